# bash completion of moonrow's command line. What may stand there moonrow says itself: moonrow --commands [COMMAND].

_moonrow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" words
    ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}
    COMPREPLY=()
    case $command/$before in
        migrate/-m | */-e | */-l | */--format | */--delimiter | */--columns | */--rename) return ;;
        migrate/-d) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
        */-m) mapfile -t COMPREPLY < <(compgen -d -- "$word"; compgen -f -X '!*.lua' -- "$word") && return ;;
    esac
    [[ $command == [!-]* && $command != *[./]* ]] || command=""
    words=$(moonrow --commands ${command:+"$command"} 2>/dev/null)
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    if ((COMP_CWORD == 1)) || [[ $command == migrate || $command == help ]]; then
        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}
complete -o filenames -F _moonrow moonrow
