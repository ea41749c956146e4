/** A request to a storage, whatever became of it. */
export interface MeteredRequest {
  /** The provider's id. */
  readonly provider: string;
  /** The S3 API's name. */
  readonly operation: string;
  /** Of the answer, such as `200`; `none` where none came. */
  readonly status: string;
}

/** Is told of the requests to storages. It never throws, and keeps nobody waiting. */
export interface StorageMeter {
  /** Each that was not cancelled, each try by itself; of a download up to the answer's head. */
  sent(request: MeteredRequest, seconds: number): void;
  /** One that is sent again, with the status that it is sent again for. */
  retried(request: MeteredRequest): void;
}
