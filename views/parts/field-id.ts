/** The id of the input that a form sends under that name. */
export function fieldId(name: string): string {
  return `field-${name.replaceAll('.', '-')}`;
}
