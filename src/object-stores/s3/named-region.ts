import { regionInAwsHost } from '../providers.ts';
import { refusalOf, type S3Answer } from './answer.ts';

/** The region that an answer names: in its header, in its error, or by the host of AWS that it sends to; null where none. */
export function namedRegion(answer: S3Answer): string | null {
  const { region, endpoint } = refusalOf(answer);
  const byHost = endpoint === null ? null : regionInAwsHost(endpoint);
  return answer.headers.get('x-amz-bucket-region') ?? region ?? byHost;
}
