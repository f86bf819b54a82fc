# bash completion of moonrow's command line.

_moonrow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands options="-e -i -l -m -v -h -E -W --help"
    commands=$(moonrow --commands 2>/dev/null)
    COMPREPLY=()
    case $before in
        -m) mapfile -t COMPREPLY < <(compgen -f -X '!*.lua' -- "$word") && return ;;
        -e | -l) return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options --check --dot --mermaid" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        if ((COMP_CWORD == 1)); then
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$commands" -- "$word")
        fi
    fi
}
complete -o filenames -F _moonrow moonrow
