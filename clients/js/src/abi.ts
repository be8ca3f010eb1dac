// Written by `npm run abi` from oracle/chain/abi; a test compares.

/** The ABI of AIRiskOracle. */
export const riskOracleAbi = [
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "admin",
    "type": "address"
   },
   {
    "internalType": "contract IModelRegistry",
    "name": "registry_",
    "type": "address"
   },
   {
    "internalType": "address[]",
    "name": "signers_",
    "type": "address[]"
   },
   {
    "internalType": "uint8",
    "name": "threshold_",
    "type": "uint8"
   },
   {
    "internalType": "uint96",
    "name": "fee_",
    "type": "uint96"
   },
   {
    "internalType": "uint32",
    "name": "requestLifetimeSeconds",
    "type": "uint32"
   },
   {
    "internalType": "uint32",
    "name": "assessmentLifetimeSeconds",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "payee_",
    "type": "address"
   },
   {
    "internalType": "bool",
    "name": "checkBlockHash",
    "type": "bool"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "constructor"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AccessManagedInvalidAuthority",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "delay",
    "type": "uint32"
   }
  ],
  "name": "AccessManagedRequiredDelay",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   }
  ],
  "name": "AccessManagedUnauthorized",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "internalType": "uint40",
    "name": "expiresAt",
    "type": "uint40"
   }
  ],
  "name": "AssessmentExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "blockNumber",
    "type": "uint64"
   },
   {
    "internalType": "bytes32",
    "name": "reported",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "actual",
    "type": "bytes32"
   }
  ],
  "name": "BlockHashMismatch",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "reported",
    "type": "uint64"
   },
   {
    "internalType": "uint64",
    "name": "requested",
    "type": "uint64"
   }
  ],
  "name": "BlockMismatch",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "gas",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "maximum",
    "type": "uint256"
   }
  ],
  "name": "CallbackGasOutOfRange",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   }
  ],
  "name": "ConsentExpired",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ECDSAInvalidSignature",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "length",
    "type": "uint256"
   }
  ],
  "name": "ECDSAInvalidSignatureLength",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "s",
    "type": "bytes32"
   }
  ],
  "name": "ECDSAInvalidSignatureS",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "EnforcedPause",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ExpectedPause",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "FailedCall",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "nextAt",
    "type": "uint256"
   }
  ],
  "name": "FeeChangedLately",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "FeeIsFixed",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "balance",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "needed",
    "type": "uint256"
   }
  ],
  "name": "InsufficientBalance",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "InvalidConsent",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "InvalidProof",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   },
   {
    "internalType": "uint256",
    "name": "value",
    "type": "uint256"
   }
  ],
  "name": "InvalidSetting",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "InvalidShortString",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "NoAssessment",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "value",
    "type": "uint256"
   }
  ],
  "name": "NotAFieldElement",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "enum IAIRiskOracle.RequestState",
    "name": "state",
    "type": "uint8"
   }
  ],
  "name": "NotAnswered",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NothingToAnswer",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NothingToWithdraw",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "index",
    "type": "uint256"
   },
   {
    "internalType": "int256",
    "name": "value",
    "type": "int256"
   }
  ],
  "name": "OutputOutOfRange",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "PrivateDataAsked",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "uint64",
    "name": "deadline",
    "type": "uint64"
   }
  ],
  "name": "RequestExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "RequestMismatch",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "uint64",
    "name": "deadline",
    "type": "uint64"
   }
  ],
  "name": "RequestNotExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "enum IAIRiskOracle.RequestState",
    "name": "state",
    "type": "uint8"
   }
  ],
  "name": "RequestNotPending",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "bits",
    "type": "uint8"
   },
   {
    "internalType": "uint256",
    "name": "value",
    "type": "uint256"
   }
  ],
  "name": "SafeCastOverflowedUintDowncast",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "count",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "maximum",
    "type": "uint256"
   }
  ],
  "name": "SignerCountOutOfRange",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "previous",
    "type": "address"
   },
   {
    "internalType": "address",
    "name": "next",
    "type": "address"
   }
  ],
  "name": "SignersNotAscending",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "string",
    "name": "str",
    "type": "string"
   }
  ],
  "name": "StringTooLong",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "threshold",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "signers",
    "type": "uint256"
   }
  ],
  "name": "ThresholdOutOfRange",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "left",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "needed",
    "type": "uint256"
   }
  ],
  "name": "TooLittleGas",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "reason",
    "type": "uint8"
   }
  ],
  "name": "UnknownDeclineReason",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "signer",
    "type": "address"
   }
  ],
  "name": "UnknownSigner",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requests",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "batchSize",
    "type": "uint256"
   }
  ],
  "name": "WrongBatchLength",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "sentWei",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "expectedWei",
    "type": "uint256"
   }
  ],
  "name": "WrongFee",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "count",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "expected",
    "type": "uint256"
   }
  ],
  "name": "WrongOutputCount",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "count",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "expected",
    "type": "uint256"
   }
  ],
  "name": "WrongSignatureCount",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "WrongStatement",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroDuration",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroPrincipal",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroReceiver",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroUser",
  "type": "error"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "indexed": false,
    "internalType": "uint8",
    "name": "reason",
    "type": "uint8"
   }
  ],
  "name": "AssessmentDeclined",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "uint8",
      "name": "category",
      "type": "uint8"
     },
     {
      "internalType": "uint16",
      "name": "score",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "probabilityOfDefault",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "fraudLikelihood",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "interestRate",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "durationDays",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "maximumLtv",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "confidence",
      "type": "uint16"
     },
     {
      "internalType": "uint40",
      "name": "issuedAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "expiresAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "blockNumber",
      "type": "uint40"
     },
     {
      "internalType": "uint16",
      "name": "modelIndex",
      "type": "uint16"
     },
     {
      "internalType": "bool",
      "name": "privateData",
      "type": "bool"
     }
    ],
    "indexed": false,
    "internalType": "struct IAIRiskOracle.Assessment",
    "name": "assessment",
    "type": "tuple"
   }
  ],
  "name": "AssessmentProvided",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "requester",
    "type": "address"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "principalToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "principal",
      "type": "uint128"
     },
     {
      "internalType": "address",
      "name": "collateralToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "collateral",
      "type": "uint128"
     },
     {
      "internalType": "uint32",
      "name": "duration",
      "type": "uint32"
     }
    ],
    "indexed": false,
    "internalType": "struct IAIRiskOracle.LoanTerms",
    "name": "terms",
    "type": "tuple"
   },
   {
    "indexed": false,
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "uint96",
    "name": "fee",
    "type": "uint96"
   },
   {
    "indexed": false,
    "internalType": "uint64",
    "name": "requestedAt",
    "type": "uint64"
   },
   {
    "indexed": false,
    "internalType": "uint64",
    "name": "deadline",
    "type": "uint64"
   },
   {
    "indexed": false,
    "internalType": "uint64",
    "name": "blockNumber",
    "type": "uint64"
   }
  ],
  "name": "AssessmentRequested",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AuthorityUpdated",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "receiver",
    "type": "address"
   }
  ],
  "name": "CallbackFailed",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [],
  "name": "EIP712DomainChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "uint96",
    "name": "minimumWei",
    "type": "uint96"
   },
   {
    "indexed": false,
    "internalType": "uint96",
    "name": "maximumWei",
    "type": "uint96"
   }
  ],
  "name": "FeeBoundsChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "uint96",
    "name": "feeWei",
    "type": "uint96"
   },
   {
    "indexed": false,
    "internalType": "uint96",
    "name": "callbackGasPriceWei",
    "type": "uint96"
   }
  ],
  "name": "FeesChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "address",
    "name": "payee",
    "type": "address"
   },
   {
    "indexed": false,
    "internalType": "uint256",
    "name": "amountWei",
    "type": "uint256"
   }
  ],
  "name": "FeesWithdrawn",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "uint32",
    "name": "requestLifetimeSeconds",
    "type": "uint32"
   },
   {
    "indexed": false,
    "internalType": "uint32",
    "name": "assessmentLifetimeSeconds",
    "type": "uint32"
   }
  ],
  "name": "LifetimesChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "account",
    "type": "address"
   }
  ],
  "name": "Paused",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "payee",
    "type": "address"
   }
  ],
  "name": "PayeeChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "address",
    "name": "requester",
    "type": "address"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "to",
    "type": "address"
   },
   {
    "indexed": false,
    "internalType": "uint256",
    "name": "amountWei",
    "type": "uint256"
   }
  ],
  "name": "RefundWithdrawn",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "RequestCancelled",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "indexed": false,
    "internalType": "enum IAIRiskOracle.RequestState",
    "name": "state",
    "type": "uint8"
   }
  ],
  "name": "RequestSkipped",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address[]",
    "name": "signers",
    "type": "address[]"
   },
   {
    "indexed": false,
    "internalType": "uint8",
    "name": "threshold",
    "type": "uint8"
   },
   {
    "indexed": false,
    "internalType": "bytes32",
    "name": "signerSetDigest",
    "type": "bytes32"
   }
  ],
  "name": "SignersChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "account",
    "type": "address"
   }
  ],
  "name": "Unpaused",
  "type": "event"
 },
 {
  "inputs": [],
  "name": "ANSWER_GAS",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "CHECKS_BLOCK_HASH",
  "outputs": [
   {
    "internalType": "bool",
    "name": "",
    "type": "bool"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "FEE_HOLDS",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "MAXIMUM_CALLBACK_GAS",
  "outputs": [
   {
    "internalType": "uint24",
    "name": "",
    "type": "uint24"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "MAXIMUM_SIGNERS",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "assessmentOf",
  "outputs": [
   {
    "components": [
     {
      "internalType": "uint8",
      "name": "category",
      "type": "uint8"
     },
     {
      "internalType": "uint16",
      "name": "score",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "probabilityOfDefault",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "fraudLikelihood",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "interestRate",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "durationDays",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "maximumLtv",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "confidence",
      "type": "uint16"
     },
     {
      "internalType": "uint40",
      "name": "issuedAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "expiresAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "blockNumber",
      "type": "uint40"
     },
     {
      "internalType": "uint16",
      "name": "modelIndex",
      "type": "uint16"
     },
     {
      "internalType": "bool",
      "name": "privateData",
      "type": "bool"
     }
    ],
    "internalType": "struct IAIRiskOracle.Assessment",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "authority",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request[]",
    "name": "requests",
    "type": "tuple[]"
   },
   {
    "components": [
     {
      "internalType": "bytes32",
      "name": "modelId",
      "type": "bytes32"
     },
     {
      "internalType": "uint256[]",
      "name": "requestIds",
      "type": "uint256[]"
     },
     {
      "internalType": "bytes32[]",
      "name": "blockHashes",
      "type": "bytes32[]"
     },
     {
      "internalType": "uint256[]",
      "name": "words",
      "type": "uint256[]"
     }
    ],
    "internalType": "struct IAIRiskOracle.Batch",
    "name": "batch",
    "type": "tuple"
   }
  ],
  "name": "batchDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint24",
    "name": "callbackGas",
    "type": "uint24"
   }
  ],
  "name": "callbackFee",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "callbackGasPrice",
  "outputs": [
   {
    "internalType": "uint72",
    "name": "",
    "type": "uint72"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request",
    "name": "request",
    "type": "tuple"
   },
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "cancelRequest",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "confidence",
  "outputs": [
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "internalType": "address",
    "name": "requester",
    "type": "address"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "principalToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "principal",
      "type": "uint128"
     },
     {
      "internalType": "address",
      "name": "collateralToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "collateral",
      "type": "uint128"
     },
     {
      "internalType": "uint32",
      "name": "duration",
      "type": "uint32"
     }
    ],
    "internalType": "struct IAIRiskOracle.LoanTerms",
    "name": "terms",
    "type": "tuple"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   }
  ],
  "name": "consentDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request",
    "name": "request",
    "type": "tuple"
   },
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "uint8",
    "name": "reason",
    "type": "uint8"
   },
   {
    "internalType": "bytes[]",
    "name": "signatures",
    "type": "bytes[]"
   }
  ],
  "name": "declineAssessment",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request",
    "name": "request",
    "type": "tuple"
   },
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   },
   {
    "internalType": "uint8",
    "name": "reason",
    "type": "uint8"
   }
  ],
  "name": "declineDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "declineOf",
  "outputs": [
   {
    "internalType": "enum IAIRiskOracle.DeclineReason",
    "name": "",
    "type": "uint8"
   },
   {
    "internalType": "uint40",
    "name": "",
    "type": "uint40"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "defaultProb",
  "outputs": [
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "earnedFees",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "eip712Domain",
  "outputs": [
   {
    "internalType": "bytes1",
    "name": "fields",
    "type": "bytes1"
   },
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   },
   {
    "internalType": "string",
    "name": "version",
    "type": "string"
   },
   {
    "internalType": "uint256",
    "name": "chainId",
    "type": "uint256"
   },
   {
    "internalType": "address",
    "name": "verifyingContract",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "salt",
    "type": "bytes32"
   },
   {
    "internalType": "uint256[]",
    "name": "extensions",
    "type": "uint256[]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "fee",
  "outputs": [
   {
    "internalType": "uint96",
    "name": "",
    "type": "uint96"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "feeBounds",
  "outputs": [
   {
    "internalType": "uint96",
    "name": "minimumWei",
    "type": "uint96"
   },
   {
    "internalType": "uint96",
    "name": "maximumWei",
    "type": "uint96"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "followBaseFee",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "fraudLikelihood",
  "outputs": [
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "getAssessment",
  "outputs": [
   {
    "components": [
     {
      "internalType": "uint8",
      "name": "category",
      "type": "uint8"
     },
     {
      "internalType": "uint16",
      "name": "score",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "probabilityOfDefault",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "fraudLikelihood",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "interestRate",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "durationDays",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "maximumLtv",
      "type": "uint16"
     },
     {
      "internalType": "uint16",
      "name": "confidence",
      "type": "uint16"
     },
     {
      "internalType": "uint40",
      "name": "issuedAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "expiresAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "blockNumber",
      "type": "uint40"
     },
     {
      "internalType": "uint16",
      "name": "modelIndex",
      "type": "uint16"
     },
     {
      "internalType": "bool",
      "name": "privateData",
      "type": "bool"
     }
    ],
    "internalType": "struct IAIRiskOracle.Assessment",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "isConsumingScheduledOp",
  "outputs": [
   {
    "internalType": "bytes4",
    "name": "",
    "type": "bytes4"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "internalType": "uint256",
    "name": "maxAge",
    "type": "uint256"
   }
  ],
  "name": "isFresh",
  "outputs": [
   {
    "internalType": "bool",
    "name": "",
    "type": "bool"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "signer",
    "type": "address"
   }
  ],
  "name": "isSigner",
  "outputs": [
   {
    "internalType": "bool",
    "name": "registered",
    "type": "bool"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "lifetimes",
  "outputs": [
   {
    "internalType": "uint32",
    "name": "requestLifetimeSeconds",
    "type": "uint32"
   },
   {
    "internalType": "uint32",
    "name": "assessmentLifetimeSeconds",
    "type": "uint32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "neutralCommitment",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "nonces",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "pause",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "paused",
  "outputs": [
   {
    "internalType": "bool",
    "name": "",
    "type": "bool"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "payee",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request",
    "name": "request",
    "type": "tuple"
   },
   {
    "components": [
     {
      "internalType": "uint256",
      "name": "requestId",
      "type": "uint256"
     },
     {
      "internalType": "bytes32",
      "name": "modelId",
      "type": "bytes32"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     },
     {
      "internalType": "bytes32",
      "name": "blockHash",
      "type": "bytes32"
     },
     {
      "internalType": "uint256",
      "name": "featureCommitment",
      "type": "uint256"
     },
     {
      "internalType": "int256[]",
      "name": "outputs",
      "type": "int256[]"
     }
    ],
    "internalType": "struct IAIRiskOracle.Report",
    "name": "report",
    "type": "tuple"
   },
   {
    "internalType": "bytes[]",
    "name": "signatures",
    "type": "bytes[]"
   },
   {
    "internalType": "bytes",
    "name": "proof",
    "type": "bytes"
   }
  ],
  "name": "provideAssessment",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "components": [
       {
        "internalType": "address",
        "name": "user",
        "type": "address"
       },
       {
        "internalType": "address",
        "name": "requester",
        "type": "address"
       },
       {
        "components": [
         {
          "internalType": "address",
          "name": "principalToken",
          "type": "address"
         },
         {
          "internalType": "uint128",
          "name": "principal",
          "type": "uint128"
         },
         {
          "internalType": "address",
          "name": "collateralToken",
          "type": "address"
         },
         {
          "internalType": "uint128",
          "name": "collateral",
          "type": "uint128"
         },
         {
          "internalType": "uint32",
          "name": "duration",
          "type": "uint32"
         }
        ],
        "internalType": "struct IAIRiskOracle.LoanTerms",
        "name": "terms",
        "type": "tuple"
       },
       {
        "internalType": "bytes32",
        "name": "dataCommitment",
        "type": "bytes32"
       },
       {
        "internalType": "uint96",
        "name": "fee",
        "type": "uint96"
       },
       {
        "internalType": "uint64",
        "name": "requestedAt",
        "type": "uint64"
       },
       {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
       },
       {
        "internalType": "uint64",
        "name": "blockNumber",
        "type": "uint64"
       }
      ],
      "internalType": "struct IAIRiskOracle.Request",
      "name": "request",
      "type": "tuple"
     },
     {
      "components": [
       {
        "internalType": "uint256",
        "name": "requestId",
        "type": "uint256"
       },
       {
        "internalType": "bytes32",
        "name": "modelId",
        "type": "bytes32"
       },
       {
        "internalType": "uint64",
        "name": "blockNumber",
        "type": "uint64"
       },
       {
        "internalType": "bytes32",
        "name": "blockHash",
        "type": "bytes32"
       },
       {
        "internalType": "uint256",
        "name": "featureCommitment",
        "type": "uint256"
       },
       {
        "internalType": "int256[]",
        "name": "outputs",
        "type": "int256[]"
       }
      ],
      "internalType": "struct IAIRiskOracle.Report",
      "name": "report",
      "type": "tuple"
     },
     {
      "internalType": "bytes[]",
      "name": "signatures",
      "type": "bytes[]"
     },
     {
      "internalType": "bytes",
      "name": "proof",
      "type": "bytes"
     }
    ],
    "internalType": "struct IAIRiskOracle.Answer[]",
    "name": "answers",
    "type": "tuple[]"
   }
  ],
  "name": "provideAssessments",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "answered",
    "type": "uint256"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request[]",
    "name": "requests",
    "type": "tuple[]"
   },
   {
    "components": [
     {
      "internalType": "bytes32",
      "name": "modelId",
      "type": "bytes32"
     },
     {
      "internalType": "uint256[]",
      "name": "requestIds",
      "type": "uint256[]"
     },
     {
      "internalType": "bytes32[]",
      "name": "blockHashes",
      "type": "bytes32[]"
     },
     {
      "internalType": "uint256[]",
      "name": "words",
      "type": "uint256[]"
     }
    ],
    "internalType": "struct IAIRiskOracle.Batch",
    "name": "batch",
    "type": "tuple"
   },
   {
    "internalType": "bytes[]",
    "name": "signatures",
    "type": "bytes[]"
   },
   {
    "internalType": "bytes",
    "name": "proof",
    "type": "bytes"
   }
  ],
  "name": "provideBatch",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "answered",
    "type": "uint256"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "recentRequests",
  "outputs": [
   {
    "internalType": "uint256[5]",
    "name": "requestIds",
    "type": "uint256[5]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "recommendedTerms",
  "outputs": [
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   },
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   },
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint96",
    "name": "feeWei",
    "type": "uint96"
   },
   {
    "internalType": "enum IAIRiskOracle.DeclineReason",
    "name": "reason",
    "type": "uint8"
   }
  ],
  "name": "refundFor",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "pure",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "account",
    "type": "address"
   }
  ],
  "name": "refundOf",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "amountWei",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "registry",
  "outputs": [
   {
    "internalType": "contract IModelRegistry",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "user",
      "type": "address"
     },
     {
      "internalType": "address",
      "name": "requester",
      "type": "address"
     },
     {
      "components": [
       {
        "internalType": "address",
        "name": "principalToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "principal",
        "type": "uint128"
       },
       {
        "internalType": "address",
        "name": "collateralToken",
        "type": "address"
       },
       {
        "internalType": "uint128",
        "name": "collateral",
        "type": "uint128"
       },
       {
        "internalType": "uint32",
        "name": "duration",
        "type": "uint32"
       }
      ],
      "internalType": "struct IAIRiskOracle.LoanTerms",
      "name": "terms",
      "type": "tuple"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "uint96",
      "name": "fee",
      "type": "uint96"
     },
     {
      "internalType": "uint64",
      "name": "requestedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "deadline",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     }
    ],
    "internalType": "struct IAIRiskOracle.Request",
    "name": "request",
    "type": "tuple"
   },
   {
    "components": [
     {
      "internalType": "uint256",
      "name": "requestId",
      "type": "uint256"
     },
     {
      "internalType": "bytes32",
      "name": "modelId",
      "type": "bytes32"
     },
     {
      "internalType": "uint64",
      "name": "blockNumber",
      "type": "uint64"
     },
     {
      "internalType": "bytes32",
      "name": "blockHash",
      "type": "bytes32"
     },
     {
      "internalType": "uint256",
      "name": "featureCommitment",
      "type": "uint256"
     },
     {
      "internalType": "int256[]",
      "name": "outputs",
      "type": "int256[]"
     }
    ],
    "internalType": "struct IAIRiskOracle.Report",
    "name": "report",
    "type": "tuple"
   }
  ],
  "name": "reportDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "principalToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "principal",
      "type": "uint128"
     },
     {
      "internalType": "address",
      "name": "collateralToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "collateral",
      "type": "uint128"
     },
     {
      "internalType": "uint32",
      "name": "duration",
      "type": "uint32"
     }
    ],
    "internalType": "struct IAIRiskOracle.LoanTerms",
    "name": "terms",
    "type": "tuple"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "requestAssessment",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "stateMutability": "payable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "principalToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "principal",
      "type": "uint128"
     },
     {
      "internalType": "address",
      "name": "collateralToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "collateral",
      "type": "uint128"
     },
     {
      "internalType": "uint32",
      "name": "duration",
      "type": "uint32"
     }
    ],
    "internalType": "struct IAIRiskOracle.LoanTerms",
    "name": "terms",
    "type": "tuple"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     },
     {
      "internalType": "bytes",
      "name": "signature",
      "type": "bytes"
     }
    ],
    "internalType": "struct IAIRiskOracle.Consent",
    "name": "consent",
    "type": "tuple"
   }
  ],
  "name": "requestAssessmentFor",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "stateMutability": "payable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "principalToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "principal",
      "type": "uint128"
     },
     {
      "internalType": "address",
      "name": "collateralToken",
      "type": "address"
     },
     {
      "internalType": "uint128",
      "name": "collateral",
      "type": "uint128"
     },
     {
      "internalType": "uint32",
      "name": "duration",
      "type": "uint32"
     }
    ],
    "internalType": "struct IAIRiskOracle.LoanTerms",
    "name": "terms",
    "type": "tuple"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     },
     {
      "internalType": "bytes",
      "name": "signature",
      "type": "bytes"
     }
    ],
    "internalType": "struct IAIRiskOracle.Consent",
    "name": "consent",
    "type": "tuple"
   },
   {
    "internalType": "uint24",
    "name": "callbackGas",
    "type": "uint24"
   }
  ],
  "name": "requestAssessmentWithCallback",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "stateMutability": "payable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "requestCount",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "riskCategory",
  "outputs": [
   {
    "internalType": "uint8",
    "name": "",
    "type": "uint8"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "user",
    "type": "address"
   }
  ],
  "name": "riskScore",
  "outputs": [
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "newAuthority",
    "type": "address"
   }
  ],
  "name": "setAuthority",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint96",
    "name": "minimumWei",
    "type": "uint96"
   },
   {
    "internalType": "uint96",
    "name": "maximumWei",
    "type": "uint96"
   }
  ],
  "name": "setFeeBounds",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint96",
    "name": "fee_",
    "type": "uint96"
   },
   {
    "internalType": "uint96",
    "name": "callbackGasPrice_",
    "type": "uint96"
   }
  ],
  "name": "setFees",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "requestLifetimeSeconds",
    "type": "uint32"
   },
   {
    "internalType": "uint32",
    "name": "assessmentLifetimeSeconds",
    "type": "uint32"
   }
  ],
  "name": "setLifetimes",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "payee_",
    "type": "address"
   }
  ],
  "name": "setPayee",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address[]",
    "name": "signers_",
    "type": "address[]"
   },
   {
    "internalType": "uint8",
    "name": "threshold_",
    "type": "uint8"
   }
  ],
  "name": "setSigners",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "signerSetDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "signers",
  "outputs": [
   {
    "internalType": "address[]",
    "name": "",
    "type": "address[]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "requestId",
    "type": "uint256"
   }
  ],
  "name": "stateOf",
  "outputs": [
   {
    "internalType": "enum IAIRiskOracle.RequestState",
    "name": "",
    "type": "uint8"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "threshold",
  "outputs": [
   {
    "internalType": "uint8",
    "name": "",
    "type": "uint8"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "unpause",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "withdrawFees",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "to",
    "type": "address"
   }
  ],
  "name": "withdrawRefund",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 }
] as const;

/** The ABI of ModelRegistry. */
export const modelRegistryAbi = [
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "authority_",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "activationDelaySeconds",
    "type": "uint32"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "constructor"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AccessManagedInvalidAuthority",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "delay",
    "type": "uint32"
   }
  ],
  "name": "AccessManagedRequiredDelay",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   }
  ],
  "name": "AccessManagedUnauthorized",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "commitment",
    "type": "uint256"
   }
  ],
  "name": "CommitmentNotInField",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "InvalidModelId",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "ModelExists",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "internalType": "enum IModelRegistry.ModelState",
    "name": "state",
    "type": "uint8"
   },
   {
    "internalType": "enum IModelRegistry.ModelState",
    "name": "expected",
    "type": "uint8"
   }
  ],
  "name": "ModelInState",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "internalType": "enum IModelRegistry.ModelState",
    "name": "state",
    "type": "uint8"
   }
  ],
  "name": "ModelNotActive",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "ModelUnknown",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NothingToRollBackTo",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "enum IModelRegistry.Statement",
    "name": "statement",
    "type": "uint8"
   },
   {
    "internalType": "uint8",
    "name": "batchSize",
    "type": "uint8"
   }
  ],
  "name": "OneRequestOnly",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "PrimaryCannotBeRetired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "internalType": "uint64",
    "name": "expiredAt",
    "type": "uint64"
   }
  ],
  "name": "ProposalExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "output",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "scale",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "maximum",
    "type": "uint256"
   }
  ],
  "name": "ScaleTooLarge",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "internalType": "uint64",
    "name": "activatableAt",
    "type": "uint64"
   }
  ],
  "name": "TimelockRunning",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "verifier",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "codeHash",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "expected",
    "type": "bytes32"
   }
  ],
  "name": "VerifierCodeMismatch",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "verifier",
    "type": "address"
   }
  ],
  "name": "VerifierDelegates",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "verifier",
    "type": "address"
   },
   {
    "internalType": "uint256",
    "name": "position",
    "type": "uint256"
   },
   {
    "internalType": "uint8",
    "name": "opcode",
    "type": "uint8"
   }
  ],
  "name": "VerifierRunsOtherCode",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroBatchSize",
  "type": "error"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AuthorityUpdated",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "tableHash",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "string",
    "name": "uri",
    "type": "string"
   }
  ],
  "name": "HistoryTablePublished",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "replaced",
    "type": "bytes32"
   }
  ],
  "name": "ModelActivated",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "uint16",
    "name": "index",
    "type": "uint16"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "verifier",
      "type": "address"
     },
     {
      "internalType": "bytes32",
      "name": "verifierCodeHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "featureSpecHash",
      "type": "bytes32"
     },
     {
      "internalType": "uint256",
      "name": "neutralCommitment",
      "type": "uint256"
     },
     {
      "internalType": "bytes32",
      "name": "outputScales",
      "type": "bytes32"
     },
     {
      "internalType": "uint8",
      "name": "batchSize",
      "type": "uint8"
     },
     {
      "internalType": "enum IModelRegistry.Statement",
      "name": "statement",
      "type": "uint8"
     }
    ],
    "indexed": false,
    "internalType": "struct IModelRegistry.ModelSpec",
    "name": "spec",
    "type": "tuple"
   },
   {
    "indexed": false,
    "internalType": "uint64",
    "name": "activatableAt",
    "type": "uint64"
   }
  ],
  "name": "ModelProposed",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "ModelRetired",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "from",
    "type": "bytes32"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "to",
    "type": "bytes32"
   }
  ],
  "name": "ModelRolledBack",
  "type": "event"
 },
 {
  "inputs": [],
  "name": "ACTIVATION_DELAY",
  "outputs": [
   {
    "internalType": "uint32",
    "name": "",
    "type": "uint32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "ACTIVATION_WINDOW",
  "outputs": [
   {
    "internalType": "uint64",
    "name": "",
    "type": "uint64"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "activate",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "activeModel",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   },
   {
    "internalType": "uint16",
    "name": "",
    "type": "uint16"
   },
   {
    "internalType": "uint72",
    "name": "",
    "type": "uint72"
   },
   {
    "internalType": "uint8",
    "name": "",
    "type": "uint8"
   },
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "authority",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "historyTableHash",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "historyTableUri",
  "outputs": [
   {
    "internalType": "string",
    "name": "",
    "type": "string"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "isConsumingScheduledOp",
  "outputs": [
   {
    "internalType": "bytes4",
    "name": "",
    "type": "bytes4"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "model",
  "outputs": [
   {
    "components": [
     {
      "components": [
       {
        "internalType": "address",
        "name": "verifier",
        "type": "address"
       },
       {
        "internalType": "bytes32",
        "name": "verifierCodeHash",
        "type": "bytes32"
       },
       {
        "internalType": "bytes32",
        "name": "featureSpecHash",
        "type": "bytes32"
       },
       {
        "internalType": "uint256",
        "name": "neutralCommitment",
        "type": "uint256"
       },
       {
        "internalType": "bytes32",
        "name": "outputScales",
        "type": "bytes32"
       },
       {
        "internalType": "uint8",
        "name": "batchSize",
        "type": "uint8"
       },
       {
        "internalType": "enum IModelRegistry.Statement",
        "name": "statement",
        "type": "uint8"
       }
      ],
      "internalType": "struct IModelRegistry.ModelSpec",
      "name": "spec",
      "type": "tuple"
     },
     {
      "internalType": "enum IModelRegistry.ModelState",
      "name": "state",
      "type": "uint8"
     },
     {
      "internalType": "uint16",
      "name": "index",
      "type": "uint16"
     },
     {
      "internalType": "uint64",
      "name": "activatableAt",
      "type": "uint64"
     }
    ],
    "internalType": "struct IModelRegistry.Model",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint16",
    "name": "index",
    "type": "uint16"
   }
  ],
  "name": "modelAt",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "openModel",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "openShadowModel",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "primaryModel",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "primaryNeutralCommitment",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "address",
      "name": "verifier",
      "type": "address"
     },
     {
      "internalType": "bytes32",
      "name": "verifierCodeHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "featureSpecHash",
      "type": "bytes32"
     },
     {
      "internalType": "uint256",
      "name": "neutralCommitment",
      "type": "uint256"
     },
     {
      "internalType": "bytes32",
      "name": "outputScales",
      "type": "bytes32"
     },
     {
      "internalType": "uint8",
      "name": "batchSize",
      "type": "uint8"
     },
     {
      "internalType": "enum IModelRegistry.Statement",
      "name": "statement",
      "type": "uint8"
     }
    ],
    "internalType": "struct IModelRegistry.ModelSpec",
    "name": "spec",
    "type": "tuple"
   }
  ],
  "name": "propose",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "tableHash",
    "type": "bytes32"
   },
   {
    "internalType": "string",
    "name": "uri",
    "type": "string"
   }
  ],
  "name": "publishHistoryTable",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "modelId",
    "type": "bytes32"
   }
  ],
  "name": "retire",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "rollBack",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "rollBackOpen",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "newAuthority",
    "type": "address"
   }
  ],
  "name": "setAuthority",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "shadowModel",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint16",
    "name": "index",
    "type": "uint16"
   }
  ],
  "name": "standingOf",
  "outputs": [
   {
    "internalType": "bool",
    "name": "active",
    "type": "bool"
   },
   {
    "internalType": "bool",
    "name": "primary",
    "type": "bool"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 }
] as const;

/** The ABI of IssuerRegistry. */
export const issuerRegistryAbi = [
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "admin",
    "type": "address"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "constructor"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AccessManagedInvalidAuthority",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "delay",
    "type": "uint32"
   }
  ],
  "name": "AccessManagedRequiredDelay",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   }
  ],
  "name": "AccessManagedUnauthorized",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   }
  ],
  "name": "AttestationExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "internalType": "uint40",
    "name": "revokedAt",
    "type": "uint40"
   }
  ],
  "name": "CommitmentIsRevoked",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "keyType",
    "type": "uint8"
   },
   {
    "internalType": "bytes",
    "name": "key",
    "type": "bytes"
   }
  ],
  "name": "InvalidKey",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "InvalidShortString",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "IssuerExists",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "IssuerInactive",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "uint40",
    "name": "revokedAt",
    "type": "uint40"
   }
  ],
  "name": "IssuerIsRevoked",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "IssuerUnknown",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "MalleableSignature",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NamelessIssuer",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "digest",
    "type": "bytes32"
   }
  ],
  "name": "NotSignedByIssuer",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "schema",
    "type": "bytes32"
   }
  ],
  "name": "SchemaNotIssued",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "string",
    "name": "str",
    "type": "string"
   }
  ],
  "name": "StringTooLong",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "uint256",
    "name": "maximum",
    "type": "uint256"
   }
  ],
  "name": "TooManySchemas",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "keyType",
    "type": "uint8"
   }
  ],
  "name": "UnknownKeyType",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint256",
    "name": "length",
    "type": "uint256"
   },
   {
    "internalType": "uint256",
    "name": "expected",
    "type": "uint256"
   }
  ],
  "name": "WrongSignatureLength",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "ZeroSchema",
  "type": "error"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AuthorityUpdated",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "CommitmentRevoked",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [],
  "name": "EIP712DomainChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "bool",
    "name": "active",
    "type": "bool"
   }
  ],
  "name": "IssuerActiveSet",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "uint8",
    "name": "keyType",
    "type": "uint8"
   },
   {
    "indexed": false,
    "internalType": "bytes",
    "name": "key",
    "type": "bytes"
   },
   {
    "indexed": false,
    "internalType": "string",
    "name": "name",
    "type": "string"
   }
  ],
  "name": "IssuerAdded",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "IssuerRevoked",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "schema",
    "type": "bytes32"
   },
   {
    "indexed": false,
    "internalType": "bool",
    "name": "accepted",
    "type": "bool"
   }
  ],
  "name": "SchemaSet",
  "type": "event"
 },
 {
  "inputs": [],
  "name": "MAXIMUM_SCHEMAS",
  "outputs": [
   {
    "internalType": "uint256",
    "name": "",
    "type": "uint256"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "keyType",
    "type": "uint8"
   },
   {
    "internalType": "bytes",
    "name": "key",
    "type": "bytes"
   },
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   }
  ],
  "name": "addIssuer",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "borrower",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "schema",
    "type": "bytes32"
   },
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   }
  ],
  "name": "attestationDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "authority",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "borrower",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "bytes32",
      "name": "issuer",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "schema",
      "type": "bytes32"
     },
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     },
     {
      "internalType": "bytes",
      "name": "signature",
      "type": "bytes"
     }
    ],
    "internalType": "struct IIssuerRegistry.Attestation",
    "name": "attestation",
    "type": "tuple"
   }
  ],
  "name": "check",
  "outputs": [],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "schema",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "checkStanding",
  "outputs": [],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "eip712Domain",
  "outputs": [
   {
    "internalType": "bytes1",
    "name": "fields",
    "type": "bytes1"
   },
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   },
   {
    "internalType": "string",
    "name": "version",
    "type": "string"
   },
   {
    "internalType": "uint256",
    "name": "chainId",
    "type": "uint256"
   },
   {
    "internalType": "address",
    "name": "verifyingContract",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "salt",
    "type": "bytes32"
   },
   {
    "internalType": "uint256[]",
    "name": "extensions",
    "type": "uint256[]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "isConsumingScheduledOp",
  "outputs": [
   {
    "internalType": "bytes4",
    "name": "",
    "type": "bytes4"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "keyType",
    "type": "uint8"
   },
   {
    "internalType": "bytes",
    "name": "key",
    "type": "bytes"
   }
  ],
  "name": "issuerId",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "pure",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "issuerOf",
  "outputs": [
   {
    "components": [
     {
      "internalType": "uint8",
      "name": "keyType",
      "type": "uint8"
     },
     {
      "internalType": "bool",
      "name": "active",
      "type": "bool"
     },
     {
      "internalType": "uint40",
      "name": "revokedAt",
      "type": "uint40"
     },
     {
      "internalType": "bytes",
      "name": "key",
      "type": "bytes"
     },
     {
      "internalType": "string",
      "name": "name",
      "type": "string"
     },
     {
      "internalType": "bytes32[]",
      "name": "schemas",
      "type": "bytes32[]"
     }
    ],
    "internalType": "struct IIssuerRegistry.Issuer",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "issuerRevocationDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "issuers",
  "outputs": [
   {
    "internalType": "bytes32[]",
    "name": "",
    "type": "bytes32[]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "revocationDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "revoke",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "internalType": "bytes",
    "name": "signature",
    "type": "bytes"
   }
  ],
  "name": "revokeBySignature",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "revokeIssuer",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes",
    "name": "signature",
    "type": "bytes"
   }
  ],
  "name": "revokeIssuerBySignature",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "revokedAt",
  "outputs": [
   {
    "internalType": "uint40",
    "name": "",
    "type": "uint40"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bool",
    "name": "active",
    "type": "bool"
   }
  ],
  "name": "setActive",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "newAuthority",
    "type": "address"
   }
  ],
  "name": "setAuthority",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "schema",
    "type": "bytes32"
   },
   {
    "internalType": "bool",
    "name": "accepted",
    "type": "bool"
   }
  ],
  "name": "setSchema",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "issuer",
    "type": "bytes32"
   }
  ],
  "name": "suspend",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 }
] as const;

/** The ABI of ApprovalRegistry. */
export const approvalRegistryAbi = [
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "admin",
    "type": "address"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "constructor"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AccessManagedInvalidAuthority",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "delay",
    "type": "uint32"
   }
  ],
  "name": "AccessManagedRequiredDelay",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "caller",
    "type": "address"
   }
  ],
  "name": "AccessManagedUnauthorized",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   }
  ],
  "name": "CommitmentOfAnother",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "decidedAt",
    "type": "uint64"
   },
   {
    "internalType": "uint256",
    "name": "now_",
    "type": "uint256"
   }
  ],
  "name": "DecidedLater",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   }
  ],
  "name": "DecisionExpired",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "Denied",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "bank",
    "type": "address"
   },
   {
    "internalType": "address",
    "name": "agency",
    "type": "address"
   }
  ],
  "name": "InvalidPanel",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "InvalidShortString",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "decidedAt",
    "type": "uint64"
   },
   {
    "internalType": "uint64",
    "name": "validUntil",
    "type": "uint64"
   },
   {
    "internalType": "uint64",
    "name": "maximumSeconds",
    "type": "uint64"
   }
  ],
  "name": "LifetimeOutOfRange",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NamelessPanel",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   }
  ],
  "name": "NoDecision",
  "type": "error"
 },
 {
  "inputs": [],
  "name": "NoRequest",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint64",
    "name": "decidedAt",
    "type": "uint64"
   },
   {
    "internalType": "uint40",
    "name": "newest",
    "type": "uint40"
   }
  ],
  "name": "NotNewer",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "digest",
    "type": "bytes32"
   }
  ],
  "name": "NotOfThePanel",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "enum IApprovalRegistry.Party",
    "name": "party",
    "type": "uint8"
   },
   {
    "internalType": "address",
    "name": "account",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "digest",
    "type": "bytes32"
   }
  ],
  "name": "NotSignedBy",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "NothingBound",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "name": "PanelInactive",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "name": "PanelUnknown",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "account",
    "type": "address"
   }
  ],
  "name": "PartyTwice",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "RequestDecided",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   },
   {
    "internalType": "uint40",
    "name": "revokedAt",
    "type": "uint40"
   }
  ],
  "name": "RequestIsRevoked",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "string",
    "name": "str",
    "type": "string"
   }
  ],
  "name": "StringTooLong",
  "type": "error"
 },
 {
  "inputs": [
   {
    "internalType": "uint8",
    "name": "yearsBin",
    "type": "uint8"
   }
  ],
  "name": "YearsOfAnApproval",
  "type": "error"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": false,
    "internalType": "address",
    "name": "authority",
    "type": "address"
   }
  ],
  "name": "AuthorityUpdated",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   },
   {
    "components": [
     {
      "internalType": "uint32",
      "name": "panel",
      "type": "uint32"
     },
     {
      "internalType": "address",
      "name": "applicant",
      "type": "address"
     },
     {
      "internalType": "bytes32",
      "name": "request",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "modelHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "applicantInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "bankInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "agencyInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "evaluationKey",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "output",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "bool",
      "name": "approved",
      "type": "bool"
     },
     {
      "internalType": "uint8",
      "name": "yearsBin",
      "type": "uint8"
     },
     {
      "internalType": "uint64",
      "name": "decidedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     }
    ],
    "indexed": false,
    "internalType": "struct IApprovalRegistry.Decision",
    "name": "decision",
    "type": "tuple"
   }
  ],
  "name": "DecisionRecorded",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [],
  "name": "EIP712DomainChanged",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "indexed": false,
    "internalType": "bool",
    "name": "active",
    "type": "bool"
   }
  ],
  "name": "PanelActiveSet",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "bank",
    "type": "address"
   },
   {
    "indexed": true,
    "internalType": "address",
    "name": "agency",
    "type": "address"
   },
   {
    "indexed": false,
    "internalType": "string",
    "name": "name",
    "type": "string"
   }
  ],
  "name": "PanelAdded",
  "type": "event"
 },
 {
  "anonymous": false,
  "inputs": [
   {
    "indexed": true,
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "indexed": true,
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "RequestRevoked",
  "type": "event"
 },
 {
  "inputs": [],
  "name": "MAXIMUM_LIFETIME",
  "outputs": [
   {
    "internalType": "uint64",
    "name": "",
    "type": "uint64"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "bank",
    "type": "address"
   },
   {
    "internalType": "address",
    "name": "agency",
    "type": "address"
   },
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   }
  ],
  "name": "addPanel",
  "outputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "modelHash",
    "type": "bytes32"
   },
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "applicationDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "authority",
  "outputs": [
   {
    "internalType": "address",
    "name": "",
    "type": "address"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "boundTo",
  "outputs": [
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   }
  ],
  "name": "check",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "modelHash",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "bytes32",
    "name": "dataCommitment",
    "type": "bytes32"
   }
  ],
  "name": "checkBound",
  "outputs": [
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   },
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "modelHash",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "uint32",
      "name": "panel",
      "type": "uint32"
     },
     {
      "internalType": "address",
      "name": "applicant",
      "type": "address"
     },
     {
      "internalType": "bytes32",
      "name": "request",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "modelHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "applicantInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "bankInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "agencyInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "evaluationKey",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "output",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "bool",
      "name": "approved",
      "type": "bool"
     },
     {
      "internalType": "uint8",
      "name": "yearsBin",
      "type": "uint8"
     },
     {
      "internalType": "uint64",
      "name": "decidedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     }
    ],
    "internalType": "struct IApprovalRegistry.Decision",
    "name": "decision",
    "type": "tuple"
   }
  ],
  "name": "decisionDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "decisionOf",
  "outputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "applicant",
      "type": "address"
     },
     {
      "internalType": "uint40",
      "name": "decidedAt",
      "type": "uint40"
     },
     {
      "internalType": "uint40",
      "name": "validUntil",
      "type": "uint40"
     },
     {
      "internalType": "bool",
      "name": "approved",
      "type": "bool"
     },
     {
      "internalType": "uint8",
      "name": "yearsBin",
      "type": "uint8"
     },
     {
      "internalType": "bytes32",
      "name": "modelHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "digest",
      "type": "bytes32"
     }
    ],
    "internalType": "struct IApprovalRegistry.Recorded",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "eip712Domain",
  "outputs": [
   {
    "internalType": "bytes1",
    "name": "fields",
    "type": "bytes1"
   },
   {
    "internalType": "string",
    "name": "name",
    "type": "string"
   },
   {
    "internalType": "string",
    "name": "version",
    "type": "string"
   },
   {
    "internalType": "uint256",
    "name": "chainId",
    "type": "uint256"
   },
   {
    "internalType": "address",
    "name": "verifyingContract",
    "type": "address"
   },
   {
    "internalType": "bytes32",
    "name": "salt",
    "type": "bytes32"
   },
   {
    "internalType": "uint256[]",
    "name": "extensions",
    "type": "uint256[]"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "isConsumingScheduledOp",
  "outputs": [
   {
    "internalType": "bytes4",
    "name": "",
    "type": "bytes4"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "address",
    "name": "applicant",
    "type": "address"
   }
  ],
  "name": "newestOf",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [],
  "name": "panelCount",
  "outputs": [
   {
    "internalType": "uint32",
    "name": "",
    "type": "uint32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "name": "panelOf",
  "outputs": [
   {
    "components": [
     {
      "internalType": "address",
      "name": "bank",
      "type": "address"
     },
     {
      "internalType": "bool",
      "name": "active",
      "type": "bool"
     },
     {
      "internalType": "address",
      "name": "agency",
      "type": "address"
     },
     {
      "internalType": "string",
      "name": "name",
      "type": "string"
     }
    ],
    "internalType": "struct IApprovalRegistry.Panel",
    "name": "",
    "type": "tuple"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "components": [
     {
      "internalType": "uint32",
      "name": "panel",
      "type": "uint32"
     },
     {
      "internalType": "address",
      "name": "applicant",
      "type": "address"
     },
     {
      "internalType": "bytes32",
      "name": "request",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "modelHash",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "applicantInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "bankInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "agencyInput",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "evaluationKey",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "output",
      "type": "bytes32"
     },
     {
      "internalType": "bytes32",
      "name": "dataCommitment",
      "type": "bytes32"
     },
     {
      "internalType": "bool",
      "name": "approved",
      "type": "bool"
     },
     {
      "internalType": "uint8",
      "name": "yearsBin",
      "type": "uint8"
     },
     {
      "internalType": "uint64",
      "name": "decidedAt",
      "type": "uint64"
     },
     {
      "internalType": "uint64",
      "name": "validUntil",
      "type": "uint64"
     }
    ],
    "internalType": "struct IApprovalRegistry.Decision",
    "name": "decision",
    "type": "tuple"
   },
   {
    "components": [
     {
      "internalType": "bytes",
      "name": "applicant",
      "type": "bytes"
     },
     {
      "internalType": "bytes",
      "name": "bank",
      "type": "bytes"
     },
     {
      "internalType": "bytes",
      "name": "agency",
      "type": "bytes"
     }
    ],
    "internalType": "struct IApprovalRegistry.Signatures",
    "name": "signatures",
    "type": "tuple"
   }
  ],
  "name": "record",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "revocationDigest",
  "outputs": [
   {
    "internalType": "bytes32",
    "name": "",
    "type": "bytes32"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "revoke",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   },
   {
    "internalType": "bytes",
    "name": "signature",
    "type": "bytes"
   }
  ],
  "name": "revokeBySignature",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bytes32",
    "name": "request",
    "type": "bytes32"
   }
  ],
  "name": "revokedAt",
  "outputs": [
   {
    "internalType": "uint40",
    "name": "",
    "type": "uint40"
   }
  ],
  "stateMutability": "view",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   },
   {
    "internalType": "bool",
    "name": "active",
    "type": "bool"
   }
  ],
  "name": "setActive",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "address",
    "name": "newAuthority",
    "type": "address"
   }
  ],
  "name": "setAuthority",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 },
 {
  "inputs": [
   {
    "internalType": "uint32",
    "name": "panel",
    "type": "uint32"
   }
  ],
  "name": "suspend",
  "outputs": [],
  "stateMutability": "nonpayable",
  "type": "function"
 }
] as const;
