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
# Of names of its own, whatever the environment has exported by them: the command's environment gets none of them, and all else.
set +a
unset guard_token guard_key guard_url guard_answer guard_all guard_status guard_step guard_base guard_environment guard_database
unset guard_timeout guard_method guard_address guard_started guard_backup guard_file guard_tries guard_result

say() { printf 'bridgeport-guard: %s\n' "$*" >&2; }
give_up() {
  say "$*"
  say 'The command has not been run.'
  exit 125
}

[ "${1-}" = '--' ] && shift
[ $# -gt 0 ] || give_up 'Usage: bridgeport-guard -- COMMAND [ARGUMENT...]'
command -v curl >/dev/null 2>&1 || give_up 'curl is needed, and not there.'

guard_url=${BRIDGEPORT_URL-}
guard_url=${guard_url%/}
guard_token=${BRIDGEPORT_TOKEN-}
if [ -z "$guard_token" ] && [ -n "${BRIDGEPORT_TOKEN_FILE-}" ]; then
  guard_token=$(cat -- "$BRIDGEPORT_TOKEN_FILE") || give_up "BRIDGEPORT_TOKEN_FILE can't be read."
fi
guard_environment=${BRIDGEPORT_ENVIRONMENT_ID-}
guard_database=${BRIDGEPORT_DATABASE_ID-}
guard_timeout=${BRIDGEPORT_GUARD_TIMEOUT:-3600}

# What goes into an address or into curl's configuration holds nothing that means something there.
case $guard_url in
  http://?*|https://?*) ;;
  *) give_up 'BRIDGEPORT_URL must be the address of the app, such as https://backups.example.com.' ;;
esac
case $guard_url in *[!A-Za-z0-9./:_~%\[\]-]*) give_up 'BRIDGEPORT_URL holds what no address of the app does.' ;; esac
case $guard_token in
  '') give_up 'BRIDGEPORT_TOKEN is not set: make an API token that may back up.' ;;
  *[!A-Za-z0-9_.-]*) give_up 'BRIDGEPORT_TOKEN is no API token.' ;;
esac
case $guard_environment in ''|*[!A-Za-z0-9_-]*) give_up 'BRIDGEPORT_ENVIRONMENT_ID must be an id, as in the addresses of the pages.' ;; esac
case $guard_database in ''|*[!A-Za-z0-9_-]*) give_up 'BRIDGEPORT_DATABASE_ID must be an id, as in the addresses of the pages.' ;; esac
case $guard_timeout in ''|*[!0-9]*) give_up 'BRIDGEPORT_GUARD_TIMEOUT must be whole seconds.' ;; esac

guard_base="$guard_url/api/environments/$guard_environment"
guard_key="guard-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
guard_step=
guard_answer=
guard_status=

# call METHOD PATH [ARGUMENT of curl...]: leaves status (000: no answer) and answer. printf is the shell's own: no process has the
# token among its arguments.
call() {
  guard_method=$1
  guard_address=$guard_base$2
  shift 2
  guard_all=$(printf 'header = "Authorization: Bearer %s"\n' "$guard_token" |
    curl --silent --show-error --globoff --config - --request "$guard_method" --connect-timeout 10 --max-time 90 \
      --header 'Content-Type: application/json' --header "Idempotency-Key: $guard_key-$guard_step" \
      --write-out '\n%{http_code}' "$@" -- "$guard_address") || :
  guard_status=${guard_all##*
}
  guard_answer=${guard_all%
*}
  case $guard_status in [0-9][0-9][0-9]) ;; *) guard_status=000 ;; esac
}

# text FIELD: the last text of that name in the answer. Within other texts of JSON a quote is \", and matches nothing here.
text() {
  printf '%s' "$guard_answer" | tr -d '\n' |
    sed -nE "s/^.*[{,]\"$1\":\"(([^\"\\\\]|\\\\.)*)\".*\$/\\1/p" | sed 's/\\\(.\)/\1/g'
}

# Whether to ask again: nobody answered, the app restarts, too many ask, or the first try with this key goes on.
is_passing() { case $guard_status in 000|429|502|503|504) return 0 ;; 409) [ "$(text code)" = CONFLICT ] ;; *) return 1 ;; esac }

guard_started=$(date +%s)
is_late() { [ $(($(date +%s) - guard_started)) -ge "$guard_timeout" ]; }

# One backup however often it is asked for: the key is the same.
guard_step=back-up
while call POST "/databases/$guard_database/backups" --data ''; is_passing; do
  is_late && give_up "No backup could be asked for within $guard_timeout s (last answer: $guard_status $(text message))."
  sleep 2
done
[ "$guard_status" = 200 ] || give_up "The backup was refused ($guard_status): $(text message)"
guard_backup=$(text backupId)
case $guard_backup in ''|*[!A-Za-z0-9_-]*) give_up "The answer holds no backup: is $guard_url the app?" ;; esac
say "Backup $guard_backup is asked for."

# Each look waits for the end, for less time than proxies let a request take.
while :; do
  call GET "/backups/$guard_backup?wait=50"
  if [ "$guard_status" = 200 ]; then
    case $(text status) in
      completed) break ;;
      # Where too many wait, the app answers at once.
      pending|in_progress) sleep 1 ;;
      failed) give_up "Backup $guard_backup failed: $guard_url/backups/$guard_backup says why." ;;
    esac
  elif is_passing; then
    sleep 2
  else
    give_up "Backup $guard_backup can't be read ($guard_status): $(text message)"
  fi
  is_late && give_up "Backup $guard_backup is not over after $guard_timeout s: $guard_url/backups/$guard_backup"
done
case $(text verification) in
  stored|full|drill) ;;
  *) give_up "Backup $guard_backup was not read back, or not as it was stored: $guard_url/backups/$guard_backup" ;;
esac
guard_file=$(text filename)

pin() {
  guard_step="pin-$1"
  guard_tries=0
  while call PUT "/databases/$guard_database/backups/$guard_backup/pin" --data "{\"pinned\":$1}"; is_passing; do
    guard_tries=$((guard_tries + 1))
    [ "$guard_tries" -ge 10 ] && break
    sleep 2
  done
  [ "$guard_status" = 200 ]
}
pin true || give_up "Backup $guard_backup could not be pinned ($guard_status): $(text message)"
say "Backup $guard_backup ($guard_file) is stored, read back and pinned."

# A signal ends the command; what to restore is said all the same.
trap : HUP INT TERM
(
  trap - HUP INT TERM
  unset BRIDGEPORT_TOKEN guard_token
  exec "$@"
)
guard_result=$?
trap - HUP INT TERM

if [ "$guard_result" -ne 0 ]; then
  say "The command failed with status $guard_result. Nothing has been restored."
  say "Before it ran, this was backed up: $guard_file, pinned as $guard_backup."
  say "To restore it: $guard_url/backups/$guard_backup/restore"
  exit "$guard_result"
fi
if [ "${BRIDGEPORT_KEEP_PIN-}" != 1 ]; then
  pin false || say "The pin of backup $guard_backup could not be given back ($guard_status): it stays until somebody does."
fi
exit 0
