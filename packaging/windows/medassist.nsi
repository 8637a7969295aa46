; The Windows installer.
;
;     makensis -DVERSION=0.1.0 -DPAYLOAD=build\dist\medassist -DICON=build\icons\medassist.ico -DOUT=MedAssist-0.1.0.exe medassist.nsi
;
; For everybody (needs an administrator) or for oneself; silent: MedAssist-0.1.0.exe /S /AllUsers or /CurrentUser [/D=FOLDER].
; Never run on Windows by those who wrote it: here it is only compiled, against a stand-in payload (tests/test_packaging.py).

Unicode true
!define NAME "MedAssist"
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define PROGID "MedAssist.Image"

!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_INSTDIR "${NAME}"
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "Software\${NAME}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "InstallDir"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "Software\${NAME}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "InstallDir"
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include x64.nsh

Name "${NAME} ${VERSION}"
OutFile "${OUT}"
SetCompressor /SOLID lzma
ManifestDPIAware true
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} set-up. Research use only."
VIAddVersionKey "LegalCopyright" "The MedAssist developers, Apache-2.0"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\MedAssist-window.exe"
!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "SimpChinese"

LangString FILES ${LANG_ENGLISH} "Program"
LangString FILES ${LANG_SIMPCHINESE} "程序"
LangString OPEN ${LANG_ENGLISH} "Open .dcm, .nii, .nrrd and .mha with MedAssist"
LangString OPEN ${LANG_SIMPCHINESE} "用 MedAssist 打开 .dcm、.nii、.nrrd 和 .mha"
LangString OLD_WINDOWS ${LANG_ENGLISH} "MedAssist needs a 64-bit Windows."
LangString OLD_WINDOWS ${LANG_SIMPCHINESE} "MedAssist 需要 64 位 Windows。"

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "$(OLD_WINDOWS)" /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
  SetRegView 64
  !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
  SetRegView 64
  !insertmacro MULTIUSER_UNINIT
FunctionEnd

; An older version goes first, as a whole: what it had and this one has not must not stay and be imported.
Function RemoveOlder
  ReadRegStr $0 SHCTX "${KEY}" "UninstallString"
  ReadRegStr $1 SHCTX "Software\${NAME}" "InstallDir"
  ${If} $0 != ""
  ${AndIf} ${FileExists} "$1\uninstall.exe"
    ExecWait '"$1\uninstall.exe" /S /$MultiUser.InstallMode _?=$1'
    Delete "$1\uninstall.exe"
  ${EndIf}
FunctionEnd

Section "$(FILES)" SectionFiles
  SectionIn RO
  Call RemoveOlder
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\MedAssist-window.exe"
  WriteRegStr SHCTX "Software\${NAME}" "InstallDir" "$INSTDIR"
  WriteRegStr SHCTX "${KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${KEY}" "DisplayIcon" "$INSTDIR\MedAssist-window.exe"
  WriteRegStr SHCTX "${KEY}" "Publisher" "The MedAssist developers"
  WriteRegStr SHCTX "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S /$MultiUser.InstallMode'
  WriteRegDWORD SHCTX "${KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegDWORD SHCTX "${KEY}" "EstimatedSize" "$0"
SectionEnd

; Offered beside other programs under "Open with"; nothing that opens these files today is taken away.
!macro OFFER ENDING
  WriteRegStr SHCTX "Software\Classes\${ENDING}\OpenWithProgids" "${PROGID}" ""
!macroend
!macro WITHDRAW ENDING
  DeleteRegValue SHCTX "Software\Classes\${ENDING}\OpenWithProgids" "${PROGID}"
!macroend

Section "$(OPEN)" SectionOpen
  WriteRegStr SHCTX "Software\Classes\${PROGID}" "" "${NAME}"
  WriteRegStr SHCTX "Software\Classes\${PROGID}\DefaultIcon" "" "$INSTDIR\MedAssist-window.exe,0"
  WriteRegStr SHCTX "Software\Classes\${PROGID}\shell\open\command" "" '"$INSTDIR\MedAssist-window.exe" open "%1"'
  !insertmacro OFFER ".dcm"
  !insertmacro OFFER ".nii"
  !insertmacro OFFER ".nrrd"
  !insertmacro OFFER ".mha"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd

; Settings, models and the log of users lie in their profiles and stay.
Section "Uninstall"
  RMDir /r "$INSTDIR\_internal"
  Delete "$INSTDIR\medassist.exe"
  Delete "$INSTDIR\MedAssist-window.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\${NAME}.lnk"
  !insertmacro WITHDRAW ".dcm"
  !insertmacro WITHDRAW ".nii"
  !insertmacro WITHDRAW ".nrrd"
  !insertmacro WITHDRAW ".mha"
  DeleteRegKey SHCTX "Software\Classes\${PROGID}"
  DeleteRegKey SHCTX "${KEY}"
  DeleteRegKey SHCTX "Software\${NAME}"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd
