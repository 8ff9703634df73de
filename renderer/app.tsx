import { useEffect } from 'react'
import { exhausted } from '../src/base/exhaustive.ts'
import type { State } from '../src/contract/index.ts'
import { TitleBar } from './components/titleBar.tsx'
import { useRegions } from './components/useRegions.ts'
import { useModel, useServices, useText, useView } from './context.tsx'
import { EnrolmentScreen } from './screens/enrolment/enrolmentScreen.tsx'
import { LockScreen } from './screens/lock/lockScreen.tsx'
import { MainScreen } from './screens/main/mainScreen.tsx'
import { RefusedScreen, StartingScreen } from './screens/refused/refusedScreen.tsx'
import { focusComposer } from './store/view.ts'
import { applyAppearance } from './theme.ts'

/** When the page first shows something; benches and tests wait for it. */
const readyMark = 'valise-ready'

export function App() {
  const appearance = useModel((model) => model.appearance)
  const state = useModel((model) => model.state)
  const { view } = useServices()
  useRegions()
  useEffect(() => {
    performance.mark(readyMark)
  }, [])
  useEffect(() => applyAppearance(document.documentElement, appearance), [appearance])
  const { phase } = state
  // Behind a locked vault nothing typed or chosen stays in this page; drafts are in the vault.
  useEffect(() => {
    if (phase !== 'ready') view.setState({ section: 'messages', openId: null, drafts: {}, composing: {} })
  }, [phase, view])
  return (
    <div className="app">
      {phase === 'ready' && <SkipLink />}
      <TitleBar />
      <Screen state={state} />
    </div>
  )
}

/** The first stop of Tab while a conversation is open. */
function SkipLink() {
  const text = useText()
  const { view } = useServices()
  const shown = useView((one) => one.section === 'messages' && one.openId !== null)
  if (!shown) return null
  return (
    <button type="button" className="skip" onClick={() => focusComposer(view)}>
      {text('app.skipToComposer')}
    </button>
  )
}

function Screen({ state }: { readonly state: State }) {
  switch (state.phase) {
    case 'starting':
      return <StartingScreen />
    case 'refused':
      return <RefusedScreen error={state.error} />
    case 'enrolment':
      return <EnrolmentScreen state={state} />
    case 'locked':
      return <LockScreen managed={state.managed} waitUntil={state.waitUntil} />
    case 'ready':
      return <MainScreen />
    default:
      return exhausted(state)
  }
}
