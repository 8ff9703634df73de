import { createRoot } from 'react-dom/client'
import type { Bridge } from '../src/contract/index.ts'
import { App } from './app.tsx'
import { DefectBoundary } from './components/defectBoundary.tsx'
import { createClient } from './client.ts'
import { ServicesProvider } from './context.tsx'
import { createMessenger } from './store/store.ts'
import { createView } from './store/view.ts'
import './styles/index.css'

declare global {
  interface Window {
    /** Put there by the preload. */
    readonly valise: Bridge
  }
}

const root = document.getElementById('root')
if (root === null) throw new Error('no root element')

const client = createClient(window.valise)
const messenger = createMessenger(client)
messenger.start()

// SECURITY 1: a defect is shown by its code; React would write it, with what it was about, to the console.
const silent = { onCaughtError: () => undefined, onUncaughtError: () => undefined }

createRoot(root, silent).render(
  <ServicesProvider services={{ client, messenger, view: createView(), now: Date.now }}>
    <DefectBoundary>
      <App />
    </DefectBoundary>
  </ServicesProvider>,
)
