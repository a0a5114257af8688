export async function castToText(_path: string): Promise<string> {
  throw new Error('not yet');
}
