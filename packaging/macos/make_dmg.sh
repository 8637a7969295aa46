#!/usr/bin/env bash
# Make a disk image of the frozen bundle, on macOS: `packaging/freeze.sh cpu && packaging/macos/make_dmg.sh build`.
#
# Never run by those who wrote it: there was no Mac. SIGN_AS names an identity of the key chain and NOTARY_PROFILE a profile
# of `xcrun notarytool store-credentials`; without them the bundle is signed for this machine only, and says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1
bundle=build/dist/MedAssist.app
version=$(build/environment-cpu/bin/python -c 'import medassist; print(medassist.__version__)')
image=$out/MedAssist-$version.dmg

codesign --force --deep --timestamp=none --sign "${SIGN_AS:--}" ${SIGN_AS:+--options runtime --timestamp} "$bundle"
codesign --verify --deep --strict "$bundle"
[ -n "${SIGN_AS:-}" ] || echo "signed for this machine only: set SIGN_AS to hand it on"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R "$bundle" "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -volname "MedAssist $version" -srcfolder "$stage" -format ULMO -ov "$image"

if [ -n "${NOTARY_PROFILE:-}" ]; then
  xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
  xcrun stapler staple "$image"
fi
echo "$image"
