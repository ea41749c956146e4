import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { type Config, parseConfig } from '../config.ts';
import { AppError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration; each variable may also be given as NAME_FILE, the path of a file that holds its value.
 * Throws `config`, naming the variable and what it should be (never its value).
 */
export function readConfig(env: Environment = process.env): Config {
  return parseConfig((name) => rawValue(env, name), { resolve, isAbsolute, isFolder });
}

function rawValue(env: Environment, name: string): string | undefined {
  const direct = env[name];
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return direct === '' ? undefined : direct;
  if (direct !== undefined && direct !== '') {
    throw new AppError('config', `${name} and ${name}_FILE are both set: keep one of them.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof TypeError) {
      throw new AppError('config', `${name}_FILE must name a file of text in UTF-8: ${file} is none.`, {
        cause,
      });
    }
    throw new AppError('config', `${name}_FILE must name a file that can be read: ${file} can't.`, { cause });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
