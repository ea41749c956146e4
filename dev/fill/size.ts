/** How large the installation is to be. */
export interface Size {
  readonly environments: number;
  readonly servers: number;
  readonly databases: number;
  readonly backups: number;
}
