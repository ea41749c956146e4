#!/usr/bin/env node
/** Restores a backup by hand, in a clone: `npx --no bridgeport-restore`, under the Node that package.json pins. */
import { main } from './with-node.mjs';

await main(['src/restores/node/by-hand/main.ts', ...process.argv.slice(2)]);
