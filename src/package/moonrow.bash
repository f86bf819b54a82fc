# bash completion of moonrow's command line. What may stand there moonrow says itself: moonrow --commands [COMMAND].

_moonrow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" words="" kind
    ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}
    COMPREPLY=()
    case $command/$before in
        migrate/-m | import/-t | */-e | */-l | */--delimiter | */--columns | */--rename) return ;;
        */--format) mapfile -t COMPREPLY < <(compgen -W "csv tsv json jsonl" -- "$word") && return ;;
        migrate/-d) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
        */-m) mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.lua' -- "$word") && return ;;
    esac
    case $command in
        -* | "") command="" kind=first ;; # the host's own options, and the commands
        *[./]*) kind=script ;;            # which has words of its own
        migrate | help) kind=words ;;
        *) kind=files ;;
    esac
    [[ $kind == script ]] || words=$(moonrow --commands ${command:+"$command"} 2>/dev/null)
    if [[ $word != -* ]]; then
        [[ $kind == words ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
        [[ $kind == words || $kind == first ]] || return 0
        words=$(grep -v '^-' <<< "$words")
    fi
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _moonrow moonrow
