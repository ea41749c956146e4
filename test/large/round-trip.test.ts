import { proveRoundTrips } from '../real/round-trip.ts';

// 1 GiB: longer than a test run should take, so it has a command of its own (npm run test:large).
proveRoundTrips(1024, 900_000);
