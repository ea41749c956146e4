import { XMLParser } from 'fast-xml-parser';

/** An element: its text, or its children by local name. A name that occurs more than once gives a list. */
export type XmlNode = string | XmlNode[] | { readonly [name: string]: XmlNode };

export interface XmlDocument {
  readonly root: string;
  readonly content: XmlNode;
}

// Entities are left to `decode` below: the parser would also expand those that a document declares for itself.
const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  removeNSPrefix: true,
  parseTagValue: false,
  processEntities: false,
  // A key may begin with a space.
  trimValues: false,
});

/**
 * An answer of the storage, or null where it is no XML document, or none that S3 could give. White space before it is
 * allowed: a storage that works on a long Complete sends some to keep the connection open.
 */
export function parseXml(text: string): XmlDocument | null {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith('<') || /<!DOCTYPE/i.test(trimmed) || !isWithinBounds(trimmed)) return null;
  const parsed = tryParse(trimmed);
  if (typeof parsed !== 'object' || parsed === null) return null;
  const root = Object.entries(parsed).find(([name]) => name !== '#text');
  return root ? { root: root[0], content: root[1] } : null;
}

/** The largest page there is: a thousand keys of 1,024 bytes, each byte as %XX, with what is told of each. */
export const MAX_XML_BYTES = 4 * 2 ** 20;
/** Opening and closing: ten thousand buckets on one page, with five elements each, and some for the rest. */
const MAX_TAGS = 110_000;
const MAX_TAG_LENGTH = 4096;
/** S3 has some hundred names; a thousand keys in CDATA would count as names here. */
const MAX_NAMES = 2_000;

/**
 * False for what would keep the parser, and so the whole process, busy for seconds: measured, it is slow with very many
 * elements, names, attributes and processing instructions. A look like this takes milliseconds.
 */
function isWithinBounds(text: string): boolean {
  if (text.length > MAX_XML_BYTES) return false;
  const names = new Set<string>();
  let tags = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const end = text.indexOf('>', at);
    if (end < 0 || end - at > MAX_TAG_LENGTH) return false;
    if (at > 0 && text.startsWith('<?', at)) return false;
    names.add(text.slice(at + 1, end));
    tags += 1;
    if (tags > MAX_TAGS || names.size > MAX_NAMES) return false;
  }
  return true;
}

/** The text of the first child of that name, entities decoded, without white space around it, or null. */
export function textOf(node: XmlNode | undefined, name: string): string | null {
  return exactTextOf(node, name)?.trim() ?? null;
}

/** The same with the white space around it: keys and markers may begin or end with some. */
export function exactTextOf(node: XmlNode | undefined, name: string): string | null {
  const [child] = childrenOf(node, name);
  return typeof child === 'string' ? decode(child) : null;
}

/** All children of that name. */
export function childrenOf(node: XmlNode | undefined, name: string): readonly XmlNode[] {
  if (node === undefined || typeof node === 'string' || Array.isArray(node)) return [];
  const child = Object.hasOwn(node, name) ? node[name] : undefined;
  if (child === undefined) return [];
  return Array.isArray(child) ? child : [child];
}

/** Text for an element's content. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function tryParse(text: string): Record<string, XmlNode> | null {
  try {
    return parser.parse(text, true);
  } catch {
    // Not XML at all: the caller says what it was an answer to.
    return null;
  }
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    (whole, hex, decimal, name) => {
      if (name) return NAMED[String(name).toLowerCase()] ?? whole;
      const point = hex ? Number.parseInt(hex, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}
