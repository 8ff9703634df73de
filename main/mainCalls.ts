import type { BrowserWindow } from 'electron'
import type { CallInput, CallOutput, MainCallName } from '../src/contract/index.ts'
import { exhausted } from '../src/base/exhaustive.ts'
import type { Text } from '../src/text/index.ts'
import { openLink } from './links.ts'

export type MainCalls = { readonly [N in MainCallName]: (input: CallInput<N>) => Promise<CallOutput<N>> }

/** Answers to the calls whose owner is `main`: what belongs to windows. */
export function createMainCalls(window: () => BrowserWindow | null, text: () => Text): MainCalls {
  return {
    'link.open': ({ address }) => openLink(window(), address, text()),
    'window.control': async ({ action }) => {
      const target = window()
      if (target !== null) control(target, action)
      return {}
    },
  }
}

function control(window: BrowserWindow, action: CallInput<'window.control'>['action']): void {
  switch (action) {
    case 'minimise':
      return window.minimize()
    case 'maximise':
      return window.isMaximized() ? window.unmaximize() : window.maximize()
    case 'close':
      return window.close()
    default:
      return exhausted(action)
  }
}
