import type { FastifyInstance } from 'fastify'

/** Requests that were begun and have no answer yet: an orderly stop waits for them. */
export class BegunRequests {
  readonly #open = new Set<Promise<void>>()

  watch(app: FastifyInstance): void {
    app.addHook('onRequest', async (_request, { raw }) => {
      const ended = new Promise<void>((resolve) => raw.once('close', resolve))
      this.#open.add(ended)
      void ended.then(() => this.#open.delete(ended))
    })
  }

  /** Settles once those of this moment are answered, or their clients are gone; what begins later is not waited for. */
  async answered(): Promise<void> {
    await Promise.all(this.#open)
  }
}
