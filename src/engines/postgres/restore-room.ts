/** What `df` tells of a file system of the host. */
export interface Room {
  readonly freeBytes: number;
  readonly sizeBytes: number;
  readonly device: string;
  readonly mountPoint: string;
}

const KIB = 1024;
const MOST_RESERVE = 1024 ** 3;

/** Filters `df -Pk FOLDER` to what `roomOf` reads. A mount point may hold blanks, and stands last. */
export const ROOM_OF = `awk 'NR == 2 { print $4, $2, $0 }'`;

/** The device ends in no blank, and anything ends the mount point: a host that sends thousands of either costs no time. */
const ANSWER = /^(\d{1,15}) (\d{1,15}) (.*?\S)\s+\d+\s+-?\d+\s+-?\d+\s+\S+\s+(\S.*)$/s;

/** Null where it can't be told. */
export function roomOf(answer: string | undefined): Room | null {
  const found = ANSWER.exec(answer ?? '');
  const [, free, size, device, mountPoint] = found ?? [];
  if (device === undefined || mountPoint === undefined) return null;
  return { freeBytes: Number(free) * KIB, sizeBytes: Number(size) * KIB, device, mountPoint };
}

/** Whether both take from the same free bytes: one device may be mounted in several places, while names such as `tmpfs` are of many. */
export function isSameDisk(one: Room, other: Room | null): boolean {
  if (other === null) return false;
  return one.mountPoint === other.mountPoint || (one.device.startsWith('/') && one.device === other.device);
}

/** Whether the server is the host's own, by where it is reached. */
export function isOnHost(host: string | null): boolean {
  return host === null || /^(?:$|\/|localhost$|127\.|::1$)/.test(host);
}

/** What is left free, in bytes: a disk that is full to the last one stops more than the restore. */
export function reserveOf({ sizeBytes }: Room): number {
  return Math.min(Math.ceil(sizeBytes / 20), MOST_RESERVE);
}
