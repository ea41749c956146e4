import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { malformedXml } from './s3-error.ts';

/** A value of an S3 document: text, or elements; a list repeats its element; undefined leaves it out. */
export type XmlValue = string | number | boolean | undefined | XmlFields | readonly XmlValue[];
export interface XmlFields {
  readonly [element: string]: XmlValue;
}

/** An S3 answer: the declaration and one root element in S3's namespace. */
export function document(root: string, fields: XmlFields): string {
  const content = elements(fields);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${root}>`;
}

/** An S3 error document, which has no namespace. */
export function errorDocument(fields: XmlFields): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements(fields)}</Error>`;
}

/** The children of the root element, where repeated ones are in `lists`. Throws MalformedXML. */
export function parseDocument(text: string, root: string, lists: readonly string[]): Record<string, unknown> {
  if (XMLValidator.validate(text) !== true) throw malformedXml();
  const parser = new XMLParser({
    parseTagValue: false,
    htmlEntities: true,
    isArray: (tag) => lists.includes(tag),
  });
  const content = fieldsOf(parser.parse(text))?.[root];
  if (content === '') return {};
  const fields = fieldsOf(content);
  if (fields === null) throw malformedXml();
  return fields;
}

export function fieldsOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : null;
}

function elements(fields: XmlFields): string {
  return Object.entries(fields)
    .map(([name, value]) => element(name, value))
    .join('');
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (isList(value)) return value.map((item) => element(name, item)).join('');
  const content = typeof value === 'object' ? elements(value) : escapeText(String(value));
  return `<${name}>${content}</${name}>`;
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function escapeText(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => {
    const named = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }[character];
    return named ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`;
  });
}
