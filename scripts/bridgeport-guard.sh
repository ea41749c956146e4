#!/bin/sh
# Backs a database up, pins the backup, runs a command, and says what to restore where that fails.
#
#   bridgeport-guard -- ./migrate.sh
#
# BRIDGEPORT_URL             https://backups.example.com
# BRIDGEPORT_TOKEN           an API token that may back up; or BRIDGEPORT_TOKEN_FILE, a file that holds it
# BRIDGEPORT_ENVIRONMENT_ID  as in the addresses of the pages
# BRIDGEPORT_DATABASE_ID
# BRIDGEPORT_GUARD_TIMEOUT   seconds that the backup may take, waiting for its turn included (3600)
# BRIDGEPORT_KEEP_PIN        1: the backup stays pinned after a command that succeeded too
#
# Ends with the command's own status, or with 125 where there is no good backup: the command has not been run then.
# Needs a POSIX shell, curl and od. The token goes to curl on its standard input, and not to the command.

set -u

say() { printf 'bridgeport-guard: %s\n' "$*" >&2; }
give_up() {
  say "$*"
  say 'The command has not been run.'
  exit 125
}

[ "${1-}" = '--' ] && shift
[ $# -gt 0 ] || give_up 'Usage: bridgeport-guard -- COMMAND [ARGUMENT...]'
command -v curl >/dev/null 2>&1 || give_up 'curl is needed, and not there.'

url=${BRIDGEPORT_URL-}
url=${url%/}
token=${BRIDGEPORT_TOKEN-}
if [ -z "$token" ] && [ -n "${BRIDGEPORT_TOKEN_FILE-}" ]; then
  token=$(cat -- "$BRIDGEPORT_TOKEN_FILE") || give_up "BRIDGEPORT_TOKEN_FILE can't be read."
fi
environment=${BRIDGEPORT_ENVIRONMENT_ID-}
database=${BRIDGEPORT_DATABASE_ID-}
timeout=${BRIDGEPORT_GUARD_TIMEOUT:-3600}

# What goes into an address or into curl's configuration holds nothing that means something there.
case $url in
  http://?*|https://?*) ;;
  *) give_up 'BRIDGEPORT_URL must be the address of the app, such as https://backups.example.com.' ;;
esac
case $url in *[!A-Za-z0-9./:_~%\[\]-]*) give_up 'BRIDGEPORT_URL holds what no address of the app does.' ;; esac
case $token in
  '') give_up 'BRIDGEPORT_TOKEN is not set: make an API token that may back up.' ;;
  *[!A-Za-z0-9_.-]*) give_up 'BRIDGEPORT_TOKEN is no API token.' ;;
esac
case $environment in ''|*[!A-Za-z0-9_-]*) give_up 'BRIDGEPORT_ENVIRONMENT_ID must be an id, as in the addresses of the pages.' ;; esac
case $database in ''|*[!A-Za-z0-9_-]*) give_up 'BRIDGEPORT_DATABASE_ID must be an id, as in the addresses of the pages.' ;; esac
case $timeout in ''|*[!0-9]*) give_up 'BRIDGEPORT_GUARD_TIMEOUT must be whole seconds.' ;; esac

base="$url/api/environments/$environment"
key="guard-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
step=
answer=
status=

# call METHOD PATH [ARGUMENT of curl...]: leaves status (000: no answer) and answer. printf is the shell's own: no process has the
# token among its arguments.
call() {
  method=$1
  address=$base$2
  shift 2
  all=$(printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --silent --show-error --globoff --config - --request "$method" --connect-timeout 10 --max-time 90 \
      --header 'Content-Type: application/json' --header "Idempotency-Key: $key-$step" \
      --write-out '\n%{http_code}' "$@" -- "$address") || :
  status=${all##*
}
  answer=${all%
*}
  case $status in [0-9][0-9][0-9]) ;; *) status=000 ;; esac
}

# text FIELD: the last text of that name in the answer. Within other texts of JSON a quote is \", and matches nothing here.
text() {
  printf '%s' "$answer" | tr -d '\n' |
    sed -nE "s/^.*[{,]\"$1\":\"(([^\"\\\\]|\\\\.)*)\".*\$/\\1/p" | sed 's/\\\(.\)/\1/g'
}

# Whether to ask again: nobody answered, the app restarts, too many ask, or the first try with this key goes on.
is_passing() { case $status in 000|429|502|503|504) return 0 ;; 409) [ "$(text code)" = CONFLICT ] ;; *) return 1 ;; esac }

started=$(date +%s)
is_late() { [ $(($(date +%s) - started)) -ge "$timeout" ]; }

# One backup however often it is asked for: the key is the same.
step=back-up
while call POST "/databases/$database/backups" --data ''; is_passing; do
  is_late && give_up "No backup could be asked for within $timeout s (last answer: $status $(text message))."
  sleep 2
done
[ "$status" = 200 ] || give_up "The backup was refused ($status): $(text message)"
backup=$(text backupId)
case $backup in ''|*[!A-Za-z0-9_-]*) give_up "The answer holds no backup: is $url the app?" ;; esac
say "Backup $backup is asked for."

# Each look waits for the end, for less time than proxies let a request take.
while :; do
  call GET "/backups/$backup?wait=50"
  if [ "$status" = 200 ]; then
    case $(text status) in
      completed) break ;;
      failed) give_up "Backup $backup failed: $url/backups/$backup says why." ;;
    esac
  elif is_passing; then
    sleep 2
  else
    give_up "Backup $backup can't be read ($status): $(text message)"
  fi
  is_late && give_up "Backup $backup is not over after $timeout s: $url/backups/$backup"
done
case $(text verification) in
  stored|full|drill) ;;
  *) give_up "Backup $backup was not read back, or not as it was stored: $url/backups/$backup" ;;
esac
file=$(text filename)

pin() {
  step="pin-$1"
  tries=0
  while call PUT "/databases/$database/backups/$backup/pin" --data "{\"pinned\":$1}"; is_passing; do
    tries=$((tries + 1))
    [ "$tries" -ge 10 ] && break
    sleep 2
  done
  [ "$status" = 200 ]
}
pin true || give_up "Backup $backup could not be pinned ($status): $(text message)"
say "Backup $backup ($file) is stored, read back and pinned."

# A signal ends the command; what to restore is said all the same.
trap : HUP INT TERM
(
  trap - HUP INT TERM
  unset BRIDGEPORT_TOKEN
  exec "$@"
)
result=$?
trap - HUP INT TERM

if [ "$result" -ne 0 ]; then
  say "The command failed with status $result. Nothing has been restored."
  say "Before it ran, this was backed up: $file, pinned as $backup."
  say "To restore it: $url/backups/$backup/restore"
  exit "$result"
fi
if [ "${BRIDGEPORT_KEEP_PIN-}" != 1 ]; then
  pin false || say "The pin of backup $backup could not be given back ($status): it stays until somebody does."
fi
exit 0
