/** A table in memory, with the conditional writes of the real one. */
import type { CountOptions, Row, Table } from '#functions/adapters/dynamodb/table.ts';

export class MemoryTable implements Table {
  readonly #rows = new Map<string, Map<string, Row>>();

  async get(partition: string, key: string): Promise<Row | undefined> {
    return this.#of(partition).get(key);
  }

  async list(
    partition: string,
    options: { prefix?: string; after?: string; limit?: number; descending?: boolean } = {},
  ): Promise<readonly Row[]> {
    const { prefix = '', after = '', limit, descending } = options;
    const rows = [...this.#of(partition).values()]
      .filter(({ key }) => key.startsWith(prefix) && key > after)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return (descending ? rows.reverse() : rows).slice(0, limit);
  }

  async count(partition: string, { prefix, containing, lacking, limit }: CountOptions): Promise<number> {
    const texts = (await this.list(partition, { prefix, limit })).map(({ value }) => JSON.stringify(value));
    return texts.filter((text) => text.includes(containing) && !text.includes(lacking)).length;
  }

  async saveIf<T>(partition: string, key: string, value: T, expected: number | 'absent') {
    const found = this.#of(partition).get(key);
    if ((found?.version ?? 'absent') !== expected) return undefined;
    return this.write(partition, key, value);
  }

  async removeIf(partition: string, key: string, version: number): Promise<boolean> {
    return this.#of(partition).get(key)?.version === version && this.#of(partition).delete(key);
  }

  async save(partition: string, key: string, value: unknown): Promise<void> {
    this.write(partition, key, value);
  }

  async remove(partition: string, key: string): Promise<void> {
    this.#of(partition).delete(key);
  }

  write<T>(partition: string, key: string, value: T): { readonly value: T; readonly version: number } {
    const version = (this.#of(partition).get(key)?.version ?? 0) + 1;
    this.#of(partition).set(key, { key, value, version });
    return { value, version };
  }

  #of(partition: string): Map<string, Row> {
    const rows = this.#rows.get(partition) ?? new Map<string, Row>();
    this.#rows.set(partition, rows);
    return rows;
  }
}
