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
  trimValues: true,
});

/**
 * An answer of the storage, or null where it is no XML document. White space before it is allowed: a storage that works
 * on a long Complete sends some to keep the connection open.
 */
export function parseXml(text: string): XmlDocument | null {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith('<') || /<!DOCTYPE/i.test(trimmed)) return null;
  const parsed = tryParse(trimmed);
  if (typeof parsed !== 'object' || parsed === null) return null;
  const [root] = Object.entries(parsed);
  return root ? { root: root[0], content: root[1] } : null;
}

/** The text of the first child of that name, entities decoded, or null. */
export function textOf(node: XmlNode | undefined, name: string): string | null {
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
