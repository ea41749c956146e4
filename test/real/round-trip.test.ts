import { proveRoundTrips } from './round-trip.ts';

proveRoundTrips(32, 120_000);
