/** How a measured client is told where to put its stdin. */
export function destination() {
  const read = (name: string): string => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  };
  return {
    endpoint: read('BENCH_ENDPOINT'),
    region: read('BENCH_REGION'),
    accessKey: read('BENCH_ACCESS_KEY'),
    secretKey: read('BENCH_SECRET_KEY'),
    caFile: read('BENCH_CA_FILE'),
    bucket: read('BENCH_BUCKET'),
    key: read('BENCH_KEY'),
  };
}
