import { lookup } from 'node:dns/promises';
import { AppError } from '../../errors.ts';

/** The addresses of a name as this machine's own programs see them. Throws `host_unreachable` for an unknown one. */
export async function lookUp(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new AppError(
      'host_unreachable',
      `The name ${name} is not known to DNS. Check the spelling, and the name server of this machine.`,
      { cause },
    );
  }
}
