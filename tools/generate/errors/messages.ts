/** A message as the source has it: values are shown by the name of what is put in, `‹network›`. */
export interface Message {
  readonly text: string;
  /** First words of the statement, such as `code.exhausted`; empty where there are none. */
  readonly subject: string;
}

/**
 * Texts that a call is given, in the order of the source: for each `opener(`, the argument at `position`, with that at 0 as its
 * subject. An argument without a literal (a name, a call) is passed over: its text is made elsewhere, where it is found.
 */
export function messagesOfCalls(source: string, opener: string, position: number): Message[] {
  const found: Message[] = [];
  for (let at = source.indexOf(opener); at >= 0; at = source.indexOf(opener, at + 1)) {
    const args = splitArguments(source, at + opener.length);
    const argument = args[position] ?? '';
    const subject = (args[0] ?? '').trim();
    const text = textOf(argument) || textOf(declared(source.slice(0, at), argument.trim()));
    if (text !== '') found.push({ text, subject });
  }
  return found;
}

/** Texts of properties: `message: …`. */
export function messagesOfProperties(source: string, property: string): Message[] {
  return [...source.matchAll(new RegExp(`\\b${property}:\\s`, 'g'))].flatMap((match) => {
    const [value = ''] = splitArguments(source, match.index + match[0].length);
    const text = textOf(value);
    return text === '' ? [] : [{ text, subject: '' }];
  });
}

/** What a name was last given before, up to the end of its statement. */
function declared(before: string, name: string): string {
  if (!/^\w+$/.test(name)) return '';
  const at = before.lastIndexOf(`const ${name} =`);
  return at < 0 ? '' : (splitArguments(before, at + `const ${name} =`.length, ';')[0] ?? '');
}

/** Source texts between commas from a place on, up to the bracket that closes it (or `end`). */
function splitArguments(source: string, from: number, end = ''): string[] {
  const args: string[] = [];
  let depth = 0;
  let begin = from;
  for (let at = from; at < source.length; at += 1) {
    const character = source[at] ?? '';
    if (/['"`]/.test(character)) at = literalEnd(source, at);
    else if (/[([{]/.test(character)) depth += 1;
    else if (/[)\]}]/.test(character) || character === end) {
      if (depth === 0) return [...args, source.slice(begin, at)];
      if (character !== end) depth -= 1;
    } else if (character === ',' && depth === 0) {
      args.push(source.slice(begin, at));
      begin = at + 1;
    }
  }
  return args;
}

/** Place of the quotation mark that closes the literal which begins at `at`. */
function literalEnd(source: string, at: number): number {
  const quote = source[at];
  for (let place = at + 1; place < source.length; place += 1) {
    if (source[place] === '\\') place += 1;
    else if (source[place] === quote) return place;
    else if (quote === '`' && source.startsWith('${', place)) place = holeEnd(source, place + 2);
  }
  return source.length;
}

/** Place of the bracket that closes `${`. */
function holeEnd(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at += 1) {
    const character = source[at] ?? '';
    if (/['"`]/.test(character)) at = literalEnd(source, at);
    else if (character === '{') depth += 1;
    else if (character === '}') {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return source.length;
}

/** The literals of an expression, one after the other: parts of a sum are one text, branches stand side by side with `/`. */
function textOf(expression: string): string {
  const parts: string[] = [];
  let last = 0;
  for (let at = 0; at < expression.length; at += 1) {
    if (!/['"`]/.test(expression[at] ?? '')) continue;
    const end = literalEnd(expression, at);
    const between = expression.slice(last, at);
    if (parts.length > 0 && /[:?]/.test(between)) parts.push(' / ');
    parts.push(readable(expression.slice(at + 1, end)));
    at = end;
    last = end + 1;
  }
  const text = parts.join('').replaceAll(/\s+/g, ' ').trim();
  // A lone word is a key or a mark, no message.
  return text.includes(' ') ? text : '';
}

function readable(literal: string): string {
  let text = '';
  for (let at = 0; at < literal.length; at += 1) {
    if (literal[at] === '\\') {
      at += 1;
      text += literal[at] === 'n' ? ' ' : (literal[at] ?? '');
    } else if (literal.startsWith('${', at)) {
      const end = holeEnd(literal, at + 2);
      text += `‹${nameOf(literal.slice(at + 2, end))}›`;
      at = end;
    } else text += literal[at] ?? '';
  }
  return text;
}

/** The last name in an expression that says what it is: `formatPrefix(pool.podCIDR)` is podCIDR. */
function nameOf(expression: string): string {
  const names = expression.replaceAll(/'[^']*'|"[^"]*"|`[^`]*`/g, '').match(/[A-Za-z]\w*/g) ?? [];
  const told = names.filter(
    (name) => !/^(join|map|length|map|toString|sort|undefined|String|JSON|stringify|name)$/.test(name),
  );
  return told.at(-1) ?? names.at(-1) ?? '…';
}
