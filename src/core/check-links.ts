/** Names and links of all documents together (docs/spec/config.md 4.1, 5). */
import type { Draft } from '#core/check-object';
import { type Finding, type Findings, kindShown, quoted, type ReadDocument } from '#core/findings';
import type { Link } from '#core/graph';
import { own, type Path } from '#core/json-value';
import { folded, hiddenOverWamp, isName, nameLimit, nearest, reservedForSources, reservedNames } from '#core/names';

/** Objects by name. Of several with one name the first stands for it; malformed names are in it too, so that links to them are not told about again. */
export type Named = ReadonlyMap<string, Draft>;

/** Tells malformed, reserved, double and similar names; gives the objects by name. */
export function checkNames(drafts: readonly Draft[], findings: Findings): Named {
  const named = new Map<string, Draft>();
  const byFolded = new Map<string, string>();
  for (const draft of drafts) {
    const { name, document, path } = draft;
    if (name === undefined) continue;
    const tell = (finding: Finding): void => findings.add(document, [...path, 'name'], finding);
    for (const finding of nameFindings(name, draft)) tell(finding);
    const first = named.get(name);
    if (first) {
      const { file, line } = first.document.place([...first.path, 'name']);
      const reason = `two objects are called ${quoted(name)}; the first is at ${file}:${line}`;
      tell({ severity: 'error', code: 'duplicate-name', reason });
      continue;
    }
    named.set(name, draft);
    const similar = byFolded.get(folded(name));
    if (similar === undefined) byFolded.set(folded(name), name);
    else {
      const reason = `names ${quoted(similar)} and ${quoted(name)} cannot be told apart where names are folded to lower snake case`;
      tell({ severity: 'warning', code: 'similar-names', reason });
    }
  }
  return named;
}

function nameFindings(name: string, { entry }: Draft): Finding[] {
  const shown = quoted(name);
  if (!isName(name))
    return [
      {
        severity: 'error',
        code: 'bad-name',
        reason: `name ${shown}: expected 1 to ${nameLimit} letters (A-Z, a-z), digits, "_" or "-"`,
      },
    ];
  const why = reservedNames.get(name);
  if (why !== undefined)
    return [{ severity: 'error', code: 'reserved-name', reason: `no object may be called ${shown}: ${why}` }];
  if (name === reservedForSources && entry?.interfaces.includes('VideoSource'))
    return [
      {
        severity: 'error',
        code: 'reserved-name',
        reason: `no source may be called ${shown}: it would hide the retention of a storage`,
      },
    ];
  if (hiddenOverWamp.has(name))
    return [
      {
        severity: 'warning',
        code: 'hidden-name',
        reason: `object ${shown} cannot be called over WAMP: the daemon's own procedures have that name`,
      },
    ];
  return [];
}

/** Searching a near name costs time for each; whoever has more unknown names than this has another mistake. */
const hintLimit = 50;

/** Reads the links of one document after another; names are looked up among the objects of all. */
export class LinkReader {
  readonly #named: Named;
  readonly #findings: Findings;
  readonly #complete: boolean;
  #hints = 0;

  /** `complete`: every object is known. Else unknown names may be of a document that could not be read, and are not told. */
  constructor(named: Named, complete: boolean, findings: Findings) {
    this.#named = named;
    this.#complete = complete;
    this.#findings = findings;
  }

  /** The links of a document, without what is malformed or unknown. */
  read(document: ReadDocument): Link[] {
    const links = own(document.value, 'links');
    if (links === undefined) return [];
    if (!Array.isArray(links)) {
      this.#malformed(document, ['links'], 'expected an array of links', links);
      return [];
    }
    return links.flatMap((link: unknown, index) => {
      if (Array.isArray(link)) return [link.map((item, at) => this.#item(document, ['links', index, at], item))];
      this.#malformed(document, ['links', index], 'link: expected an array of names and sets of names', link);
      return [];
    });
  }

  #item(document: ReadDocument, path: Path, item: unknown): string[] {
    if (typeof item === 'string') return this.#name(document, path, item);
    if (Array.isArray(item)) return item.flatMap((name, index) => this.#member(document, [...path, index], name));
    this.#malformed(document, path, 'link item: expected a name or an array of names', item);
    return [];
  }

  #member(document: ReadDocument, path: Path, name: unknown): string[] {
    if (typeof name === 'string') return this.#name(document, path, name);
    this.#malformed(document, path, 'link item: expected a name', name);
    return [];
  }

  #name(document: ReadDocument, path: Path, name: string): string[] {
    if (this.#named.has(name)) return [name];
    if (!this.#complete || document.isUnsolved(path)) return [];
    const hint = this.#hints++ < hintLimit ? nearest(name, this.#named.keys()) : undefined;
    const reason = `link names ${document.shown(path, name)}, but no object has this name`;
    const finding: Finding = { severity: 'error', code: 'unknown-name', reason };
    this.#findings.add(document, path, hint === undefined ? finding : { ...finding, hint });
    return [];
  }

  #malformed(document: ReadDocument, path: Path, expected: string, value: unknown): void {
    if (document.isUnsolved(path)) return;
    const got = typeof value === 'object' ? kindShown(value) : document.shown(path, value);
    this.#findings.add(document, path, { severity: 'error', code: 'bad-link', reason: `${expected}, got ${got}` });
  }
}
