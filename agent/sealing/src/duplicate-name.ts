/**
 * The first member name that occurs twice in one object of `json`, or undefined. JSON.parse keeps the last of two, other
 * readers the first: such a text means two things. `json` must already have been accepted by JSON.parse.
 */
export function duplicateName(json: string): string | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;
  const objects: (Set<string> | undefined)[] = []; // undefined stands for an array
  let expectsName = false;
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const text = match[0];
    if (text === '{' || text === '[') objects.push(text === '{' ? new Set() : undefined);
    else if (text === '}' || text === ']') objects.pop();
    else if (expectsName && text.startsWith('"')) {
      const name = JSON.parse(text) as string;
      const names = objects.at(-1);
      if (names?.has(name) === true) return name;
      names?.add(name);
    }
    expectsName = text === '{' || (text === ',' && objects.at(-1) !== undefined);
  }
  return undefined;
}
