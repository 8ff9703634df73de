// The projects that `npm run types` checks: its script is the list, so that `npm test` cannot check fewer.
import { readFileSync } from 'node:fs'

/**
 * Throws where the script is anything but `tsc -p PROJECT && tsc -p PROJECT …`.
 * @param {string} script
 * @returns {readonly string[]}
 */
export function typeProjects(script) {
  return script.split(' && ').map((command) => {
    const project = /^tsc -p (\S+)$/.exec(command)?.[1]
    if (project === undefined) throw new Error(`package.json, script "types": not a \`tsc -p\`: ${command}`)
    return project
  })
}

/** @param {URL} file a package.json @returns {readonly string[]} */
export function typeProjectsOf(file) {
  return typeProjects(JSON.parse(readFileSync(file, 'utf8')).scripts.types)
}
