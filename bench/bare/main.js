// The least that Electron can show: what `bench/start` measures Valise against, and where the hostile probes of
// `e2e/` must succeed. `--page=ADDRESS` shows another page.
import { join } from 'node:path'
import { app, BrowserWindow } from 'electron'

const mainAt = Date.now()
const page = process.argv.find((argument) => argument.startsWith('--page='))?.slice('--page='.length)

const painted = `new Promise((resolve) => {
  const look = () => document.body?.innerText.trim()
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())))
    : requestAnimationFrame(look)
  look()
})`

void app.whenReady().then(() => {
  const readyAt = Date.now()
  const window = new BrowserWindow({ width: 1180, height: 760 })
  window.webContents.once('dom-ready', () => {
    if (process.env.VALISE_BENCH !== '1') return
    void window.webContents.executeJavaScript(painted).then((paintedAt) => {
      const created = process.getCreationTime()
      const marks = { main: mainAt - created, ready: readyAt - created, painted: paintedAt - created }
      process.stdout.write(`BENCH ${JSON.stringify(marks)}\n`)
    })
  })
  if (page === undefined) void window.loadFile(join(import.meta.dirname, 'index.html'))
  else void window.loadURL(page)
})
