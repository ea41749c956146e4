import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for the servers that they share. */
    sharedServers: string;
  }
}

interface Answer {
  readonly id: number;
  readonly place?: object;
  readonly error?: string;
}

/** vitest's global setup: starts nothing but a door at which test files ask for shared servers, by kind. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  let keeper: ChildProcess | undefined;
  const waiting = new Map<number, (answer: Answer) => void>();
  const ask = (kind: string): Promise<Answer> => {
    keeper ??= startKeeper(
      (answer) => waiting.get(answer.id)?.(answer),
      () => {
        keeper = undefined;
        for (const [id, answer] of waiting)
          answer({ id, error: 'the process that starts servers has ended' });
      },
    );
    const id = waiting.size;
    const answered = new Promise<Answer>((done) => waiting.set(id, done));
    keeper.send({ id, kind });
    return answered;
  };
  const door = createServer(async ({ url = '/' }, response) => {
    const { place, error } = await ask(url.slice(1));
    response.writeHead(place ? 200 : 500).end(place ? JSON.stringify(place) : error);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  project.provide('sharedServers', `http://127.0.0.1:${(door.address() as AddressInfo).port}`);
  return async () => {
    door.close();
    door.closeAllConnections();
    if (keeper === undefined) return;
    const ended = once(keeper, 'exit');
    keeper.disconnect();
    await ended;
  };
}

function startKeeper(onAnswer: (answer: Answer) => void, onEnd: () => void): ChildProcess {
  const program = fileURLToPath(new URL('keeper.ts', import.meta.url));
  // A group of its own: Ctrl+C in a terminal is vitest's, which may go on for a while.
  const keeper = fork(program, {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  keeper.on('message', onAnswer);
  keeper.once('exit', onEnd);
  return keeper;
}
