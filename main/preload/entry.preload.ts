import { contextBridge, ipcRenderer } from 'electron'
import type { Bridge, Delta } from '../../src/contract/index.ts'

/** Read from the contract by the build (`build/targets.mjs`): the schemas themselves have no business in here. */
declare const VALISE_CALL_CHANNELS: readonly (readonly [name: string, channel: string])[]
declare const VALISE_DELTA_CHANNEL: string

const calls = Object.fromEntries(
  VALISE_CALL_CHANNELS.map(([name, channel]) => [
    name,
    (input: unknown) => ipcRenderer.invoke(channel, input),
  ]),
)

const bridge: Bridge = {
  // The gate parses every answer by the contract before it comes here.
  calls: calls as Bridge['calls'],
  onDelta(listener) {
    const forward = (_event: unknown, delta: Delta): void => listener(delta)
    ipcRenderer.on(VALISE_DELTA_CHANNEL, forward)
    return () => void ipcRenderer.removeListener(VALISE_DELTA_CHANNEL, forward)
  },
}

contextBridge.exposeInMainWorld('valise', bridge)
