import { app, type BrowserWindow } from 'electron'

/** Ends when the page has drawn something: two frames after the first element stands in it. */
const painted = `new Promise((resolve) => {
  const look = () => document.body?.innerText.trim()
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())))
    : requestAnimationFrame(look)
  look()
})`

/** For `bench/start.bench.ts`, in unpackaged builds only: prints one line with times since the process was created, in ms. */
export function reportStart(window: BrowserWindow, mainAt: number, readyAt: number): void {
  if (app.isPackaged || process.env['VALISE_BENCH'] !== '1') return
  const created = process.getCreationTime()
  if (created === null) return
  window.webContents.once('dom-ready', () => {
    void window.webContents.executeJavaScript(painted).then((paintedAt: unknown) => {
      const marks = { main: mainAt - created, ready: readyAt - created, painted: Number(paintedAt) - created }
      process.stdout.write(`BENCH ${JSON.stringify(marks)}\n`)
    })
  })
}
