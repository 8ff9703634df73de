/** What is counted for the metrics besides what their gauges read. Names and numbers only (SECURITY 9). */
export interface RelayCounters {
  count(name: CounterName, by?: number): void
}

export const counterNames = [
  'budgetsSoft',
  'budgetsHard',
  'keysSpared',
  'alertsMailed',
  'alertsNotMailed',
  'blobsStored',
  'blobsRead',
  'blobsDeleted',
] as const
export type CounterName = (typeof counterNames)[number]

/** Counters in memory, from the start of the process. */
export class Counters implements RelayCounters {
  readonly #values = new Map<CounterName, number>()

  count(name: CounterName, by = 1): void {
    this.#values.set(name, this.value(name) + by)
  }

  value(name: CounterName): number {
    return this.#values.get(name) ?? 0
  }
}
