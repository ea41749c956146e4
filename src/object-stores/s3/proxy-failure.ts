/** What a proxy on the way to the storage said, or that it did not answer; null where the failure lies behind it. */
export function proxyFailure(
  error: unknown,
  code: string,
  { proxy, host }: { readonly proxy: string; readonly host: string },
): { readonly sentence: string; readonly isRefusal: boolean } | null {
  const status = proxyStatus(error);
  if (status === 407) {
    const sentence = `the proxy ${proxy} wants a sign-in (407). Put user and password into HTTPS_PROXY, as in http://user:password@${proxy}, or name ${host} in NO_PROXY.`;
    return { sentence, isRefusal: true };
  }
  if (status !== null && status < 500) {
    const sentence = `the proxy ${proxy} does not let this machine reach ${host} (${status}). Have it allowed there, or name the host in NO_PROXY where there is a way without the proxy.`;
    return { sentence, isRefusal: true };
  }
  if (status !== null) {
    const sentence = `the proxy ${proxy} could not reach ${host} (${status}). Check the endpoint and its port, and the way from that proxy to the storage.`;
    return { sentence, isRefusal: false };
  }
  if (!UNREACHABLE.has(code)) return null;
  const sentence = `the proxy ${proxy} (HTTPS_PROXY) can't be reached (${code}). Check that address; to reach ${host} without it, name the host in NO_PROXY.`;
  return { sentence, isRefusal: false };
}

/** Every connection goes to the proxy, so that one that can't be made is the proxy's. */
const UNREACHABLE = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What a proxy answered to CONNECT, or null. */
export function proxyStatus(error: unknown): number | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const status = /^Proxy response \((\d{3})\)/.exec(at.message)?.[1];
    if (status !== undefined) return Number(status);
  }
  return null;
}
