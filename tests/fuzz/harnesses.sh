# What tests/fuzz/run and tests/fuzz/keep share: sourced, in the project's root.
#
# Leaves a directory for what they make in $room, and the Python in $python.

# shellcheck shell=bash disable=SC2034 # used by who sources this
all_harnesses=(
	fuzz_inflate fuzz_wheel fuzz_archive fuzz_forward fuzz_verify
	fuzz_metadata fuzz_record
)
room=$(mktemp -d -t unwheel-fuzz.XXXXXX)
python=${PYTHON:-python3}
sanitizers=(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
compile=(clang -std=c11 -g -O1 -Icsrc "${sanitizers[@]}")

# What else a harness in C is made of.
parts_of() {
	case $1 in
	fuzz_inflate) echo tests/fuzz/mutate_deflate.c ;;
	*) echo tests/fuzz/mutate_zip.c tests/fuzz/zip_parts.c ;;
	esac
}

# What is compared in a stage that only computes tells the fuzzer nothing, and
# telling it takes most of the time.
compile_core() {
	local file options

	mkdir "$room/core"
	for file in csrc/*.c; do
		options=(-fsanitize=fuzzer-no-link)
		case $file in
		*_win32.c) continue ;;
		csrc/inflate* | csrc/shadow* | csrc/sha256* | csrc/crc32*)
			options+=(-fno-sanitize-coverage=trace-cmp) ;;
		esac
		"${compile[@]}" "${options[@]}" -c "$file" \
			-o "$room/core/$(basename "$file" .c).o"
	done
}

# Make the program $room/HARNESS, which takes libFuzzer's options.
make_harness() {
	if [ -e "tests/fuzz/$1.c" ]; then
		[ -e "$room/core" ] || compile_core
		# shellcheck disable=SC2046 # a list of files
		"${compile[@]}" -fsanitize=fuzzer "tests/fuzz/$1.c" \
			$(parts_of "$1") "$room"/core/*.o -lz -lpthread \
			-o "$room/$1"
	else
		"$python" -c 'import atheris, libarchive, unwheel'
		printf '#!/bin/sh\nexec %q tests/fuzz/guided.py "$0" "$@"\n' \
			"$python" >"$room/$1"
		chmod +x "$room/$1"
	fi
}

# The most bytes that an input of a harness has.
longest_of() {
	case $1 in
	fuzz_inflate) echo 65536 ;;
	fuzz_archive | fuzz_forward | fuzz_verify) echo 262144 ;;
	*) echo 2048 ;;
	esac
}
