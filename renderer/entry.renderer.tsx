import { createRoot } from 'react-dom/client'
import type { Bridge } from '../src/contract/index.ts'
import { App } from './app.tsx'
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

createRoot(root).render(
  <ServicesProvider services={{ client, messenger, view: createView(), now: Date.now }}>
    <App />
  </ServicesProvider>,
)
