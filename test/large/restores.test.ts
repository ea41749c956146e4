import { allShapes, proveRestores } from '../restores/round-trips.ts';

proveRestores({
  postgres: allShapes(['plain', 'custom', 'tar']),
  mysql: allShapes(['plain']),
  sqlite: allShapes(['plain', 'binary']),
});
