import { BrowserWindow, nativeTheme, type WebContents } from 'electron'
import { windowOptions, type Shade } from './windowOptions.ts'

export interface Windows {
  /** Makes the window, or brings the one that exists to the front. */
  open(): BrowserWindow
  focus(): void
  current(): BrowserWindow | null
  /** Whether this page belongs to a window that this factory made. */
  isRegistered(contents: WebContents): boolean
  send(channel: string, value: unknown): void
}

interface WindowsOptions {
  readonly preload: string
  readonly page: string
  readonly packaged: boolean
}

/** The one factory of windows (a lint rule forbids `new BrowserWindow` elsewhere). */
export function createWindows(options: WindowsOptions): Windows {
  const registered = new Set<BrowserWindow>()

  function make(): BrowserWindow {
    const { preload, packaged } = options
    const window = new BrowserWindow(
      windowOptions({ preload, packaged, shade: shade(), platform: process.platform }),
    )
    registered.add(window)
    window.on('closed', () => registered.delete(window))
    void window.loadURL(options.page)
    return window
  }

  const first = (): BrowserWindow | undefined => registered.values().next().value

  function focus(): void {
    const window = first()
    if (window?.isMinimized()) window.restore()
    window?.show()
    window?.focus()
  }

  return {
    open() {
      const existing = first()
      if (existing === undefined) return make()
      focus()
      return existing
    },
    focus,
    current: () => first() ?? null,
    isRegistered: (contents) => [...registered].some((window) => window.webContents === contents),
    send(channel, value) {
      for (const window of registered) window.webContents.send(channel, value)
    },
  }
}

function shade(): Shade {
  if (nativeTheme.shouldUseHighContrastColors) return 'contrast'
  return nativeTheme.shouldUseDarkColors ? 'dark' : 'light'
}
