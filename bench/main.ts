import { startDiscardBucket } from './storage.ts';
import { benchUpload } from './upload.ts';
import { benchWholePath } from './whole-path.ts';

const storage = await startDiscardBucket();
const [what, size, rounds] = process.argv.slice(2);
const o = { mebibytes: Number(size), rounds: Number(rounds), say: console.error };
console.log(what === 'upload' ? await benchUpload(storage, o) : await benchWholePath(storage, o));
await storage.stop();
process.exit(0);
