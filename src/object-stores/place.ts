/** Where the objects of a backup lie, as recorded in `backup_objects`. */
export interface Place {
  readonly endpoint: string;
  readonly region: string | null;
  readonly bucket: string;
}

/* How a place on a host is written where a storage's endpoint would stand. */

const PREFIX = 'host:';
const LOCAL = 'local';

/** Every endpoint that names a host, for SQL's `like`. */
export const HOST_PLACES = `${PREFIX}%`;

/** The endpoint of files on a server; null is the app's own machine. */
export function hostEndpoint(serverId: string | null): string {
  return `${PREFIX}${serverId ?? LOCAL}`;
}

/** Files on a server, as a place. */
export function hostPlace(serverId: string | null): Place {
  return { endpoint: hostEndpoint(serverId), region: null, bucket: '' };
}

export function isOnHost({ endpoint }: Pick<Place, 'endpoint'>): boolean {
  return endpoint.startsWith(PREFIX);
}

/** The server of a place on a host; undefined for a bucket. Null is the app's own machine. */
export function serverOfPlace(place: Pick<Place, 'endpoint'>): string | null | undefined {
  if (!isOnHost(place)) return undefined;
  const id = place.endpoint.slice(PREFIX.length);
  return id === LOCAL ? null : id;
}
