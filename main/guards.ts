import { app, type Session, type WebContents } from 'electron'

/**
 * SECURITY 7, 8: whatever a page asks of the browser is denied: the page is our own and needs none of it. Requests
 * leave for `origin` only; null (development, where Vite's client reloads the page) leaves requests alone.
 */
export function guardSession(session: Session, origin: string | null): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.setDisplayMediaRequestHandler((_request, answer) => answer({}))
  session.setBluetoothPairingHandler((_details, answer) => answer({ confirmed: false }))
  session.setSpellCheckerEnabled(false)
  session.on('select-hid-device', (event) => event.preventDefault())
  session.on('select-serial-port', (event) => event.preventDefault())
  session.on('select-usb-device', (event) => event.preventDefault())
  session.on('will-download', (event) => event.preventDefault())
  if (origin === null) return
  session.webRequest.onBeforeRequest((details, answer) => answer({ cancel: !isOwn(details.url, origin) }))
}

/** Guards every page of every window that this process will ever hold, also ones that this code did not make. */
export function guardContents(): void {
  app.on('web-contents-created', (_event, contents) => guard(contents))
}

function guard(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-navigate', (event) => event.preventDefault())
  contents.on('will-frame-navigate', (event) => event.preventDefault())
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.on('select-bluetooth-device', (event) => event.preventDefault())
  contents.on('login', (event) => event.preventDefault())
  // A page that may reach no proxy either gathers no addresses of this machine.
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
}

function isOwn(address: string, origin: string): boolean {
  const url = new URL(address)
  // Blobs of our own page: pictures that the engine has decrypted.
  if (url.protocol === 'blob:') return url.origin === origin || url.pathname.startsWith(`${origin}/`)
  return address.startsWith(`${origin}/`) || url.protocol === 'devtools:'
}
