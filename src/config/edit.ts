import { parseDocument } from 'yaml';
import { escapeText } from '../core/escape.js';

/**
 * The text of a configuration with some values replaced and its comments kept: how `init` puts --listen into the
 * default. The result is not checked; give it to `parseConfig`.
 */
export function editYaml(text: string, changes: readonly { path: readonly string[]; value: unknown }[]): string {
  const doc = parseDocument(text);
  for (const { path, value } of changes) {
    const fresh = doc.createNode(value);
    const old: unknown = doc.getIn(path, true);
    if (typeof old === 'object' && old !== null && 'comment' in old && typeof old.comment === 'string')
      fresh.comment = old.comment;
    doc.setIn(path, fresh);
  }
  return doc.toString({ lineWidth: 0 });
}

/** The values of a YAML text without aliases. Throws an Error with words for the operator. */
export function readYaml(text: string): unknown {
  const doc = parseDocument(text, { uniqueKeys: true, prettyErrors: false });
  const [wrong] = doc.errors;
  if (wrong) throw new Error(`it is neither JSON nor YAML: ${escapeText(wrong.message.split('\n')[0] ?? '', 120)}`);
  return doc.toJS({ maxAliasCount: 0 });
}
