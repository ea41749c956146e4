/** What a client of an account is opened with. */
export interface S3Settings {
  /** `https://host[:port]`, or `http://…` where STORAGE_ALLOW_HTTP let it through. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary keys (STS). */
  readonly sessionToken?: string | null;
  /** What PUT and CreateMultipartUpload ask the provider for; null asks for nothing. */
  readonly encryption?: { readonly algorithm: 'AES256' | 'aws:kms'; readonly keyId: string | null } | null;
  /** True where a deep test has seen that PUT honours If-None-Match, whatever is known of the provider. */
  readonly ifNoneMatch?: boolean;
}
