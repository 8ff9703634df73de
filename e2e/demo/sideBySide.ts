import type { Workstation } from '../support/workstation.ts'

/** Puts the windows next to each other on the first display, each half as wide as what is free there. */
export async function sideBySide(workstations: readonly Workstation[]): Promise<void> {
  const count = workstations.length
  for (const [index, { app }] of workstations.entries()) {
    await app.evaluate(
      ({ BrowserWindow, screen }, place) => {
        const free = screen.getPrimaryDisplay().workArea
        const width = Math.floor(free.width / place.count)
        const bounds = {
          x: free.x + place.index * width,
          y: free.y,
          width,
          height: Math.min(free.height, 860),
        }
        BrowserWindow.getAllWindows()[0]?.setBounds(bounds)
      },
      { index, count },
    )
  }
}
