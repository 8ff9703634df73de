#!/usr/bin/env bash
# Runs a command with a D-Bus session and an unlocked, empty GNOME keyring in a throw-away home.
# Usage: e2e/keyring.sh COMMAND [ARGUMENT...]
set -euo pipefail
XDG_DATA_HOME=$(mktemp -d)
XDG_RUNTIME_DIR=$(mktemp -d)
XDG_CURRENT_DESKTOP=GNOME
export XDG_DATA_HOME XDG_RUNTIME_DIR XDG_CURRENT_DESKTOP
chmod 700 "$XDG_RUNTIME_DIR"
exec dbus-run-session -- bash -c \
  'printf "\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null; exec "$@"' _ "$@"
