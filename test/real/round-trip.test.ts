import { SMALL_PARTS } from '../support/installation.ts';
import { proveRoundTrips } from './round-trip.ts';

proveRoundTrips(12, 300_000, SMALL_PARTS);
