/** A setup file: what vitest.config.ts tells glibc is for the worker, which has read it; what tests start has memory as elsewhere. */
delete process.env['GLIBC_TUNABLES'];
