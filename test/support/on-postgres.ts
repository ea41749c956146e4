import { afterAll } from 'vitest';
import { openTestDatabasesWith } from './database.ts';
import { dropStates, openState } from './states.ts';

/** The setup of the project `postgres`: what its files do with a database of ours, they do with one of PostgreSQL. */

openTestDatabasesWith(() => openState('PostgreSQL'));
afterAll(dropStates);
