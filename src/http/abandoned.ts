import { createMiddleware } from 'hono/factory';

/** Begins a request's work, or leaves it out; says which. */
type Begin = () => 'begun' | 'left';

/**
 * Leaves out what nobody waits for any more. Whatever is read from SQLite is read at once, and nobody learns meanwhile
 * that clients hung up: so of requests that come while another one is worked on, each waits until the process has looked
 * at its sockets, and for its turn, and is left out where its client has gone by then. One that comes alone does not wait.
 */
export function leaveAbandoned() {
  const waiting: Begin[] = [];
  let isPumping = false;
  let present = 0;

  const pump = () => {
    isPumping = false;
    for (let begin = waiting.shift(); begin !== undefined; begin = waiting.shift()) {
      if (begin() === 'left') continue;
      // The next one after another look at the sockets: this one may take long.
      isPumping = true;
      setTimeout(pump);
      return;
    }
  };
  const isWanted = (signal: () => AbortSignal): Promise<boolean> =>
    new Promise((resolve) => {
      afterSockets(() => {
        waiting.push(() => {
          const isGone = signal().aborted;
          resolve(!isGone);
          return isGone ? 'left' : 'begun';
        });
        if (!isPumping) pump();
      });
    });

  return createMiddleware(async (c, next) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return next();
    const isAlone = present === 0;
    present += 1;
    try {
      // 499, as nginx calls it: nobody reads this answer.
      if (!isAlone && !(await isWanted(() => c.req.raw.signal))) return new Response(null, { status: 499 });
      await next();
      return undefined;
    } finally {
      // What came meanwhile is seen to have come: its sockets are read only now.
      afterSockets(() => {
        present -= 1;
      });
    }
  });
}

/**
 * After three turns of the event loop: Node reads a request in one, that its client hung up in the next, and tells of it
 * in the third. It takes one new connection in each.
 */
function afterSockets(then: () => void): void {
  setTimeout(() => setTimeout(() => setTimeout(then)));
}
