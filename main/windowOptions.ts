import type { BrowserWindowConstructorOptions, WebPreferences } from 'electron'

/** No `persist:`: cookies, storage and caches of the session never reach the disk (rule 1). */
export const partition = 'valise'

export type Shade = 'light' | 'dark' | 'contrast'

/** `--surface-rail` of the design's themes: what shows until the first paint. */
const backgrounds = { light: '#E9EEEE', dark: '#0D1315', contrast: '#000000' } as const

/** SECURITY 7: the same for every window that will ever exist; a test compares them with this list. */
export function webPreferences(preload: string, packaged: boolean): Readonly<WebPreferences> {
  return Object.freeze({
    preload,
    partition,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    plugins: false,
    navigateOnDragDrop: false,
    // Electron would fetch dictionaries from a server of its own.
    spellcheck: false,
    safeDialogs: true,
    enableWebSQL: false,
    v8CacheOptions: 'none',
    disableBlinkFeatures: 'Auxclick',
    devTools: !packaged,
  })
}

export interface WindowChoice {
  readonly preload: string
  readonly packaged: boolean
  readonly shade: Shade
  readonly platform: NodeJS.Platform
}

export function windowOptions(choice: WindowChoice): Readonly<BrowserWindowConstructorOptions> {
  return Object.freeze({
    title: 'Valise',
    width: 1180,
    height: 760,
    minWidth: 720,
    minHeight: 480,
    show: true,
    backgroundColor: backgrounds[choice.shade],
    autoHideMenuBar: true,
    // The renderer draws the title bar; macOS keeps its own three buttons.
    ...(choice.platform === 'darwin' ? { titleBarStyle: 'hiddenInset' as const } : { frame: false }),
    webPreferences: webPreferences(choice.preload, choice.packaged),
  })
}
