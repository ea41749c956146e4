/** Black on white in either scheme, since not every camera reads it otherwise; colours as attributes, which the policy of pages allows. */
export function QrCode({
  size,
  path,
  label,
}: {
  /** Modules of a side. */
  readonly size: number;
  /** The dark ones. */
  readonly path: string;
  readonly label: string;
}) {
  return (
    <svg
      class="qr-code"
      role="img"
      aria-label={label}
      width="224"
      height="224"
      viewBox={`0 0 ${size} ${size}`}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}
